import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packFolder } from './archive.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function write(files: Record<string, string>, root = folder): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

function list(content: Buffer): string[] {
  return execFileSync('tar', ['-tzf', '-'], { input: content }).toString().trim().split('\n');
}

test('the same content gives the same bytes, whatever the times, umask and order', async () => {
  await write({ 'b.txt': 'b', 'a/c.txt': 'c' });
  const first = await packFolder(folder, folder);
  const copy = join(folder, 'copy');
  await write({ 'a/c.txt': 'c', 'b.txt': 'b' }, copy);
  await chmod(join(copy, 'b.txt'), 0o600);
  await utimes(join(copy, 'b.txt'), 1, 1);
  const second = await packFolder(copy, copy);
  expect(second.name).toBe(first.name);
  expect(first.name).toBe(`${first.sha256}.tar.gz`);
  expect(list(first.content)).toEqual(['a/', 'a/c.txt', 'b.txt']);
});

test('a changed byte, and a file that may be run, give another name', async () => {
  await write({ run: 'x' });
  const first = await packFolder(folder, folder);
  await chmod(join(folder, 'run'), 0o755);
  expect((await packFolder(folder, folder)).name).not.toBe(first.name);
  expect(
    execFileSync('tar', ['-tvzf', '-'], {
      input: (await packFolder(folder, folder)).content,
    }).toString(),
  ).toMatch(/^-rwxr-xr-x 0\/0 .*1970-01-01/);
});

test('ignore files count, inner ones last, and .git never goes along', async () => {
  await write({
    '.gitignore': '*.log\nbuild/\n',
    '.rollsetignore': 'docs\n',
    '.git/HEAD': 'x',
    'a.log': '',
    'build/out': '',
    'docs/x.md': '',
    'keep/.gitignore': '!b.log\n',
    'keep/b.log': '',
  });
  const { content } = await packFolder(folder, folder);
  expect(list(content)).toEqual([
    '.gitignore',
    '.rollsetignore',
    'keep/',
    'keep/.gitignore',
    'keep/b.log',
  ]);
});

test('rules of the app around a sub-folder count for it', async () => {
  await write({
    '.gitignore': '/app/tmp\n*.pyc\n',
    'app/tmp': '',
    'app/x.pyc': '',
    'app/y.py': '',
  });
  const { content } = await packFolder(join(folder, 'app'), folder);
  expect(list(content)).toEqual(['y.py']);
});

test('links are kept as links', async () => {
  await write({ real: 'x' });
  await symlink('real', join(folder, 'link'));
  const { content } = await packFolder(folder, folder);
  const text = execFileSync('tar', ['-tvzf', '-'], { input: content }).toString();
  expect(text).toContain('link -> real');
});
