// The small pure parts of the core, as tables.
import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseApiVersion } from './api-version.ts';
import { parseArmPath } from './arm-path.ts';
import { sameSecret } from './authentication.ts';
import { checkPreconditions } from './etag.ts';
import { parseIsoDuration, toIsoDuration } from './iso-duration.ts';
import { textsAt } from './json-path.ts';
import { mergePatch, mergePut } from './merge.ts';
import { tidyBody } from './tidy-body.ts';

test.each([
  ['PT0S', 0],
  ['PT5M', 300_000],
  ['PT1H30M', 5_400_000],
  ['PT2.5S', 2500],
  ['P1DT1S', 86_401_000],
  ['PT', undefined],
  ['P', undefined],
  ['P1M', undefined],
  ['5 minutes', undefined],
  ['PT-5M', undefined],
  ['pt5m', undefined],
  ['PT99999999999999999999H', undefined],
])('the duration %s is %s ms', (text, ms) => {
  expect(parseIsoDuration(text)).toBe(ms);
});

test.each([
  [0, 'PT0S'],
  [90_000, 'PT1M30S'],
  [5_400_000, 'PT1H30M'],
  [2500, 'PT2.5S'],
  [172_800_000, 'PT48H'],
])('%s ms is the duration %s', (ms, text) => {
  expect(toIsoDuration(ms)).toBe(text);
});

test.each([
  ['/subscriptions/S', { subscriptionId: 'S', scope: '/subscriptions/S', pairs: [] }],
  [
    '//subscriptions//S/ResourceGroups/G/',
    { subscriptionId: 'S', resourceGroup: 'G', scope: '/subscriptions/S/ResourceGroups/G' },
  ],
  ['/subscriptions/S/providers/N/t', { namespace: 'N', pairs: ['t'], extension: false }],
  [
    '/subscriptions/S/resourceGroups/G/Providers/N/t/x',
    { resourceGroup: 'G', namespace: 'N', pairs: ['t', 'x'] },
  ],
  [
    '/subscriptions/S/resourceGroups/G/providers/N/t/x/providers/E/u/y',
    {
      namespace: 'E',
      pairs: ['u', 'y'],
      extension: true,
      scope: '/subscriptions/S/resourceGroups/G/providers/N/t/x',
    },
  ],
  ['/subscriptions/S/resourceGroups/a%20(b)', { resourceGroup: 'a (b)' }],
])('the path %s', (path, parts) => {
  expect(parseArmPath(path)).toMatchObject(parts);
});

test.each([
  '/subscriptions/%zz',
  '/subscriptions/a%00b',
  '/x/providers/N',
  '/subscriptions/S/junk/providers/N/t',
  `/${'a'.repeat(5000)}`,
])('the path %s is refused', (path) => {
  expect(() => parseArmPath(path)).toThrow(
    expect.objectContaining({ status: 400, code: 'InvalidResourceId' }),
  );
});

test.each([
  ['api-version=2024-03-01', '2024-03-01'],
  ['API-Version=2024-03-01-preview', '2024-03-01-preview'],
])('%s is a version', (query, version) => {
  expect(parseApiVersion(new URLSearchParams(query))).toBe(version);
});

test.each([
  [{ ifMatch: '"5"' }, 5, 'passes'],
  [{ ifMatch: 'W/"5"' }, 5, 'passes'],
  [{ ifMatch: '"4", "5"' }, 5, 'passes'],
  [{ ifMatch: '"4"' }, 5, 412],
  [{ ifMatch: '5' }, 5, 412],
  [{ ifMatch: '*' }, undefined, 412],
  [{ ifNoneMatch: '*' }, undefined, 'passes'],
  [{ ifNoneMatch: '*' }, 5, 412],
  [{ ifNoneMatch: '"5"' }, 5, 400],
])('preconditions %j at revision %s: %s', (asked, revision, verdict) => {
  const check = () => checkPreconditions(asked, revision);
  if (verdict === 'passes') check();
  else expect(check).toThrow(expect.objectContaining({ status: verdict }));
});

test('a PUT that merges: omitted and null stay, arrays and whole paths are replaced', () => {
  const stored = {
    sku: { name: 'A', capacity: 1 },
    tags: { a: '1' },
    list: [1, 2],
    kept: true,
    image: { id: 'x', old: 1 },
  };
  const body = {
    sku: { capacity: 2 },
    tags: { b: '2' },
    list: [3],
    kept: null,
    image: { id: 'y' },
  };
  expect(mergePut(stored, body, ['tags', 'image'])).toEqual({
    sku: { name: 'A', capacity: 2 },
    tags: { b: '2' },
    list: [3],
    kept: true,
    image: { id: 'y' },
  });
  expect(stored.sku.capacity).toBe(1);
});

test('a PATCH: null removes, at any depth; tags are replaced', () => {
  expect(
    mergePatch(
      { a: { b: 1, c: 2 }, tags: { x: '1' } },
      { a: { b: null, d: { e: null, f: 3 } }, tags: { y: '2' } },
    ),
  ).toEqual({
    a: { c: 2, d: { f: 3 } },
    tags: { y: '2' },
  });
});

test('bodies are written the way the schema spells them', () => {
  const schema = z.looseObject({
    sku: z.looseObject({ capacity: z.int() }).prefault({ capacity: 1 }),
    nics: z.array(z.looseObject({ primary: z.boolean().optional() })).default([]),
    mode: z.enum(['Manual', 'Rolling']).optional(),
    name: z.string().optional(),
  });
  const given = {
    SKU: { Capacity: '3' },
    NICS: [{ Primary: 'True', Other: 'True' }],
    mode: 'manual',
    NAME: '5',
    extra: '7',
  };
  expect(tidyBody(schema, given)).toEqual({
    sku: { capacity: 3 },
    nics: [{ primary: true, Other: 'True' }],
    mode: 'Manual',
    name: '5',
    extra: '7',
  });
});

test('texts are found at a path with arrays, whatever else is there', () => {
  const body = { a: [{ b: [{ id: 'x' }, { id: 5 }] }, { b: 'no' }, null] };
  expect(textsAt(body, 'a[].b[].id')).toEqual(['x']);
});

test('secrets are compared whole', () => {
  expect([
    sameSecret('abc', 'abc'),
    sameSecret('abc', 'abd'),
    sameSecret('abc', 'abcd'),
    sameSecret('', ''),
  ]).toEqual([true, false, false, true]);
});
