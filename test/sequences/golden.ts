// Compares a readable log with the one kept beside the test; UPDATE_GOLDENS=1 writes it anew.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export function expectGolden(name: string, text: string): void {
  const file = join(import.meta.dirname, 'goldens', `${name}.txt`);
  if (process.env['UPDATE_GOLDENS'] === '1') {
    writeFileSync(file, text);
    return;
  }
  const hint = `${file} differs; if the new log is right, run with UPDATE_GOLDENS=1 and review it`;
  expect(existsSync(file), `${file} does not exist: run with UPDATE_GOLDENS=1`).toBe(true);
  expect(text, hint).toBe(readFileSync(file, 'utf8'));
}
