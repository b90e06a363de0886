// Three sets of tests: `unit` beside the code, `real` on QEMU and HAProxy, `long` for what takes minutes each.
import { configDefaults, defineConfig } from 'vitest/config';

const MINUTES = 60_000;
const isLong = 'test/**/*.long.test.ts';

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'bench/**/*.test.ts'],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, isLong],
          // VMs under emulation share the cores: one file at a time, and time to boot.
          fileParallelism: false,
          testTimeout: 5 * MINUTES,
          hookTimeout: 5 * MINUTES,
        },
      },
      {
        test: {
          name: 'long',
          include: [isLong],
          fileParallelism: false,
          testTimeout: 30 * MINUTES,
          hookTimeout: 10 * MINUTES,
        },
      },
    ],
  },
});
