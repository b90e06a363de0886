// Whatever a client sends, it gets an answer of its own: never a 500, never an empty error.
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json, JsonObject } from '../model/resource.ts';
import {
  DEFINITION,
  GROUP,
  LOAD_BALANCER,
  SCALE_SET,
  shopLoadBalancerBody,
  shopScaleSetBody,
  SUBNET,
} from './compute/scale-set/testing.ts';
import { definitionBody, templateBody, TestApi } from './testing.ts';

const RUNS = 150;
let api: TestApi;
beforeAll(async () => {
  api = await TestApi.open();
  await api.makeShop();
  await api.must('PUT', SCALE_SET, shopScaleSetBody());
});
afterAll(() => api.close());

const providers = `${GROUP}/providers`;
const TARGETS: readonly (readonly [string, JsonObject])[] = [
  [GROUP, { location: 'westus', tags: { a: 'b' } }],
  [`${providers}/Microsoft.Compute/galleries/fuzz`, { location: 'westus', properties: {} }],
  [DEFINITION, definitionBody()],
  [
    `${DEFINITION}/versions/3.0.0`,
    {
      location: 'westus',
      properties: {
        storageProfile: { source: { id: `${DEFINITION}/versions/1.0.0` } },
        publishingProfile: { targetRegions: [{ name: 'westus' }] },
      },
    },
  ],
  [`${providers}/Microsoft.VirtualMachineImages/imageTemplates/fuzz`, templateBody()],
  [SCALE_SET, shopScaleSetBody()],
  [SUBNET, { properties: { addressPrefix: '10.0.0.0/24' } }],
  [LOAD_BALANCER, shopLoadBalancerBody()],
  [`${providers}/Microsoft.Storage/storageAccounts/fuzz1`, { location: 'westus' }],
  [
    `${SCALE_SET}/providers/Rollset.Fleet/rolloutPolicies/default`,
    { properties: { healthTimeout: 'PT5M' } },
  ],
  [`${SCALE_SET}/providers/Rollset.Fleet/quarantines/9.0.0`, { properties: { reason: 'x' } }],
];
const ACTIONS = ['reimage', 'delete', 'osRollingUpgrade', 'rollingUpgrades/cancel'].map(
  (name) => `${SCALE_SET}/${name}`,
);

const READINGS = [
  `${SCALE_SET}/providers/Rollset.Fleet/status/current`,
  `${SCALE_SET}/instanceView`,
  `${GROUP}/providers/Microsoft.VirtualMachineImages/imageTemplates`,
  LOAD_BALANCER,
  `${DEFINITION}/versions`,
];

function expectAnswer(reply: { status: number; body: unknown }): void {
  expect(reply.status, JSON.stringify([reply.body, api.logged.map(String)])).toBeLessThan(500);
  if (reply.status < 400) return;
  expect(reply.body).toMatchObject({
    error: { code: expect.stringMatching(/^[A-Z]/), message: expect.stringMatching(/\S/) },
  });
}

/** Every path in a body: where something can be replaced. */
function pathsOf(value: Json, at: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [at];
  return [at, ...Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...at, key]))];
}

function replaceAt(value: Json, path: readonly string[], replacement: Json): Json {
  const [key, ...rest] = path;
  if (key === undefined || typeof value !== 'object' || value === null) return replacement;
  if (Array.isArray(value))
    return value.map((item, i) => (String(i) === key ? replaceAt(item, rest, replacement) : item));
  return { ...value, [key]: replaceAt(value[key] ?? null, rest, replacement) };
}

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom<Json>(
    '',
    '/',
    '//',
    'PT',
    '-1',
    ' ',
    '\u0000',
    1e308,
    -1,
    0.5,
    2 ** 53,
    [],
    {},
    [[]],
    [null],
    { id: 5 },
    { id: '/' },
    '../..',
    GROUP,
    `${DEFINITION}/versions/x`,
  ),
) as fc.Arbitrary<Json>;

test('a valid body with one value replaced', async () => {
  const mutation = fc
    .constantFrom(...TARGETS)
    .chain(([path, body]) =>
      fc.tuple(
        fc.constant(path),
        fc.constant(body),
        fc.constantFrom(...pathsOf(body)),
        junk,
        fc.constantFrom('PUT', 'PATCH'),
      ),
    );
  await fc.assert(
    fc.asyncProperty(mutation, async ([path, body, at, value, method]) => {
      expectAnswer(await api.send(method, path, replaceAt(body, at, value)));
      // What was accepted can be read, and made a model of.
      for (const reading of READINGS) expectAnswer(await api.send('GET', reading));
    }),
    { numRuns: RUNS },
  );
});

test('any JSON, and any text', async () => {
  const body = fc.oneof(fc.json({ maxDepth: 6 }), fc.string({ unit: 'binary' }));
  const target = fc.constantFrom(...TARGETS.map(([path]) => path), ...ACTIONS);
  await fc.assert(
    fc.asyncProperty(
      target,
      body,
      fc.constantFrom('PUT', 'PATCH', 'POST'),
      async (path, text, method) => {
        expectAnswer(await api.send(method, path, text));
      },
    ),
    { numRuns: RUNS },
  );
});

test('any path', async () => {
  const word = fc.oneof(
    fc.constantFrom(
      'subscriptions',
      '5b8e',
      'resourceGroups',
      'shop-rg',
      'providers',
      'Microsoft.Compute',
      'virtualMachineScaleSets',
      'shop',
      'virtualMachines',
      '0',
      '',
      'Rollset.Fleet',
      'status',
      'current',
      'locations',
      'operations',
      '%',
      '%00',
      '%2F',
      '..',
      'packerlogs',
    ),
    fc.string({ maxLength: 8 }).map(encodeURIComponent),
  );
  const path = fc.array(word, { maxLength: 14 }).map((words) => `/${words.join('/')}`);
  await fc.assert(
    fc.asyncProperty(
      path,
      fc.constantFrom('GET', 'PUT', 'POST', 'DELETE', 'PATCH', 'HEAD'),
      async (at, method) => {
        // A deletion that hits would empty the shop for the other tests.
        const verb = method === 'DELETE' && !/x/.test(at) ? 'GET' : method;
        const { status } = await api.send(verb, at, verb === 'PUT' ? {} : undefined);
        expect(status, `${verb} ${at} ${api.logged.map(String).join()}`).toBeLessThan(500);
      },
    ),
    { numRuns: RUNS * 3 },
  );
});

test.each([
  ['deep objects', '{"properties":'.repeat(5000) + '1' + '}'.repeat(5000)],
  ['deep arrays', '['.repeat(200_000)],
  ['an array of arrays', `{"properties":${'['.repeat(3000)}${']'.repeat(3000)}}`],
  ['half a number', '{"a":1e'],
  ['two documents', '{}{}'],
  ['a BOM', '\uFEFF{}'],
])('%s', async (_what, text) => {
  const reply = await api.send('PUT', SCALE_SET, text);
  expect(reply.status).toBe(400);
});
