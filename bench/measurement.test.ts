// The figures of docs/performance.md rest on these few lines.
import { expect, test } from 'vitest';
import { median, toRow, toTable } from './measurement.ts';

test('the median is the middle one, or the mean of the middle two', () => {
  expect(median([9, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 10])).toBe(3);
  expect(median([7])).toBe(7);
  expect(() => median([])).toThrow('no samples');
});

test('a comparison is judged by the ratio of its medians, a latency by its own', () => {
  const swap = { name: 'swap', limitSeconds: [4, 5, 6], oursSeconds: [6, 6, 7], aim: 1.25 };
  const publish = { name: 'publish', seconds: [0.4, 1.6, 0.9], aimSeconds: 1 };
  expect(toTable([toRow(swap), toRow(publish)]).split('\n')).toEqual([
    'what     median  limit   ratio   aim',
    'swap     6.00 s  5.00 s  1.20 ×  ≤ 1.25 ×  met',
    'publish  0.90 s                  ≤ 1 s     met',
  ]);
  expect(toRow({ ...swap, aim: 1.1 }).met).toBe(false);
});
