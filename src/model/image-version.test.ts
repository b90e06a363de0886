import { expect, test } from 'vitest';
import {
  compareImageVersions,
  highestImageVersion,
  nextImageVersion,
  parseImageVersion,
} from './image-version.ts';

test.each(['1.0.0', '0.0.0', '2018.12.1', '0.0.2147483647'])('%s is a version', (text) => {
  expect(parseImageVersion(text)).toBe(text);
});

test.each([
  '',
  '1',
  '1.0',
  '1.0.0.0',
  'v1.0.0',
  '1.0.0-beta',
  '01.0.0',
  '1.-1.0',
  '0.0.2147483648',
  ' 1.0.0',
])('%j is not a version', (text) => {
  expect(parseImageVersion(text)).toBeUndefined();
});

test('versions compare as integers', () => {
  expect(compareImageVersions('1.10.0', '1.9.0')).toBeGreaterThan(0);
  expect(compareImageVersions('1.0.0', '1.0.0')).toBe(0);
  expect(highestImageVersion(['1.9.0', '1.10.0', '0.99.99'])).toBe('1.10.0');
  expect(highestImageVersion([])).toBeUndefined();
});

test('the next version is the highest with one patch more, the first is 1.0.0', () => {
  expect(nextImageVersion([])).toBe('1.0.0');
  expect(nextImageVersion(['0.1.3', '2.1.0', '1.9.9'])).toBe('2.1.1');
});
