import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeFileAtomically } from './atomic-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-atomic-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('replaces the content as a whole, with its mode, and leaves nothing beside it', async () => {
  const file = join(folder, 'a.json');
  await writeFileAtomically(file, 'old', 0o644);
  await writeFileAtomically(file, 'new', 0o600);
  expect(await readFile(file, 'utf8')).toBe('new');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(await readdir(folder)).toEqual(['a.json']);
});

test('a write that fails leaves the old content', async () => {
  const file = join(folder, 'a.json');
  await writeFileAtomically(file, 'old', 0o644);
  await expect(writeFileAtomically(join(folder, 'missing', 'a'), 'new', 0o644)).rejects.toThrow(
    'ENOENT',
  );
  expect(await readFile(file, 'utf8')).toBe('old');
});
