// Images travel from one demo to the next and are never in two places.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keepImages, takeKeptImages } from './kept-images.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kept-images-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

test('what one run leaves, the next one finds, and only one of two', async () => {
  const kept = join(folder, 'cache', 'images');
  const [first, second, third] = ['a', 'b', 'c'].map((name) => join(folder, name));
  if (first === undefined || second === undefined || third === undefined) throw new Error('three');
  expect(await takeKeptImages(first, kept)).toBe(false);
  await mkdir(join(first, 'images'));
  await writeFile(join(first, 'images', 'base'), 'layers');
  await keepImages(first, kept);
  expect(await readdir(first)).toEqual([]);

  expect(await takeKeptImages(second, kept)).toBe(true);
  expect(await readFile(join(second, 'images', 'base'), 'utf8')).toBe('layers');
  expect(await takeKeptImages(third, kept)).toBe(false);
});

test('a run that made no images leaves none', async () => {
  const kept = join(folder, 'images');
  await mkdir(join(folder, 'data'));
  await keepImages(join(folder, 'data'), kept);
  expect(await readdir(folder)).toEqual(['data']);
});
