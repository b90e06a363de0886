// The package as people get it: packed, installed in an empty folder without any install script, and
// started from there.
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '..');
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-package-'));
  // The simulated engine needs no unprivileged user, yet the data folder is checked for one.
  await chmod(folder, 0o711);
  // `npm test` has compiled just now; packing must not compile under the feet of other tests.
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  const [archive = ''] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  await writeFile(join(folder, 'package.json'), '{"private": true}\n');
  const options = ['--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'];
  await run('npm', ['install', ...options, join(folder, archive)], { cwd: folder });
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('it holds what it needs and nothing else', async () => {
  const names = await readdir(join(folder, 'node_modules', 'rollset'));
  expect(names.toSorted()).toEqual(['LICENSE', 'README.md', 'bin', 'dist', 'package.json']);
  expect(await readdir(join(folder, 'node_modules', 'rollset', 'dist'))).not.toContain('demo');
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')));
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$/.test(name))).toEqual([]);
});

test('rollset up runs from it, and down ends it', async () => {
  const rollset = async (...args: string[]) => {
    const options = ['--data', join(folder, 'data'), '--output', 'json'];
    return await run(join(folder, 'node_modules', '.bin', 'rollset'), [...args, ...options], {
      cwd: folder,
    });
  };
  const up = ['up', '--detach', '--engine', 'simulated', '--listen', '127.0.0.1:0'];
  const { stdout } = await rollset(...up);
  const { pid } = z
    .looseObject({ endpoint: z.url(), pid: z.int() })
    .parse(JSON.parse(stdout.split('\n')[0] ?? ''));
  expect(() => process.kill(pid, 0)).not.toThrow();
  await rollset('down');
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});
