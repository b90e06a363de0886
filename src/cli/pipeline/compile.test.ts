import { expect, test } from 'vitest';
import type { JsonObject } from '../../model/resource.ts';
import { scaleSetSchema } from '../../api/compute/scale-set/schema.ts';
import { compileShip, compileStorage } from './compile.ts';
import { parsePipeline } from './parse.ts';
import { checkTarget } from './check-target.ts';
import { SHOP_YAML, shopContext, shopPipeline } from './testing.ts';

function firstScaleSet(yaml = SHOP_YAML): JsonObject {
  const { fleet } = compileShip(shopPipeline(yaml), shopContext());
  return fleet[0]?.body ?? {};
}

/** As a service returns it: secrets gone, defaults added. */
function stored(body: JsonObject): JsonObject {
  const copy = JSON.parse(
    JSON.stringify(body, (key, value) => (key === 'customData' ? undefined : value)),
  ) as JsonObject;
  return { ...copy, etag: '1' };
}

test('the requests of a first ship, in their order', async () => {
  const pipeline = shopPipeline();
  const { requests } = compileStorage(pipeline, shopContext());
  const { gallery, network, template, run, fleet } = compileShip(pipeline, shopContext());
  const all = [...requests, ...gallery, ...network, template, run, ...fleet];
  await expect(`${JSON.stringify(all, null, 2)}\n`).toMatchFileSnapshot(
    './goldens/first-ship.json',
  );
});

test('our scale set passes the service schema', () => {
  expect(scaleSetSchema.safeParse(firstScaleSet()).success).toBe(true);
});

test('the same content has the same template name whatever the signature, another a new one', () => {
  const one = compileShip(shopPipeline(), shopContext());
  const signedAnew = compileShip(shopPipeline(), shopContext({ readToken: 'sig=other' }));
  const next = compileShip(shopPipeline(), shopContext({ version: '1.0.1' }));
  expect(signedAnew.templateId).toBe(one.templateId);
  expect(next.templateId).not.toBe(one.templateId);
  expect(one.templateId).toMatch(/\/imageTemplates\/shop-1-0-0-[0-9a-f]{8}$/);
});

test('an unchanged file sends no scale set again', () => {
  const scaleSet = stored(firstScaleSet());
  const { network, fleet } = compileShip(shopPipeline(), shopContext({ scaleSet }));
  expect(network.filter(({ path }) => path.endsWith('virtualMachineScaleSets/shop'))).toEqual([]);
  expect(network.at(-1)?.path).toMatch(/rolloutPolicies\/default$/);
  expect(fleet).toEqual([]);
});

test.each([
  ['environment', SHOP_YAML.replace('hello', 'good day')],
  ['batch', SHOP_YAML.replace('batch: 20%', 'batch: 10%')],
  ['health path', SHOP_YAML.replace('/healthz', '/ready')],
])('a changed %s reaches the model before the version exists', (_what, yaml) => {
  const scaleSet = stored(firstScaleSet());
  const { network, fleet } = compileShip(shopPipeline(yaml), shopContext({ scaleSet }));
  expect(network.some(({ path }) => path.endsWith('virtualMachineScaleSets/shop'))).toBe(true);
  expect(fleet).toEqual([]);
});

test('another number of instances is asked for only after publication', () => {
  const scaleSet = stored(firstScaleSet());
  const yaml = SHOP_YAML.replace('instances: 5', 'instances: 7').replace('hello', 'good day');
  const { network, fleet } = compileShip(shopPipeline(yaml), shopContext({ scaleSet }));
  const before = network.find(({ path }) => path.endsWith('virtualMachineScaleSets/shop'));
  expect(before?.body?.['sku']).toMatchObject({ capacity: 5 });
  expect(fleet.map(({ body }) => body?.['sku'])).toEqual([
    { tier: 'Standard', name: 'Standard_B1s', capacity: 7 },
  ]);
});

test('a bake may start from an earlier version', () => {
  const imageVersionId = '/subscriptions/s/…/versions/1.0.0';
  const source = { kind: 'version', imageVersionId } as const;
  const { template } = compileShip(shopPipeline(), shopContext({ source }));
  expect(template.body?.['properties']).toMatchObject({
    source: { type: 'SharedImageVersion', imageVersionId },
  });
});

test('an app without a port has no balancer', () => {
  const yaml = SHOP_YAML.replace('  port: 8080\n', '').replace(
    'path: /healthz',
    'protocol: tcp, port: 25',
  );
  const { network } = compileShip(shopPipeline(yaml), shopContext());
  expect(network.some(({ path }) => path.includes('loadBalancers'))).toBe(false);
});

test.each([
  [
    'local',
    SHOP_YAML.replace('instances: 5', 'instances: 5\n  vmSize: Standard_B1'),
    /did you mean Standard_B1l?m?s/,
  ],
  ['azure', SHOP_YAML, /targets\.azure is missing/],
  [
    'azure',
    SHOP_YAML.replace(
      'local: { memory: 256MiB }',
      'azure: { subscription: 5b8e0000-0000-4000-8000-000000000001, identity: /subscriptions/x }',
    ).replace('instances: 5', 'instances: 5\n  adminSshKey: ssh-ed25519 AAAA'),
    /healthTimeout: 20s cannot be had on Azure, which always waits 5m/,
  ],
] as const)('what %s cannot honour is refused by name', (target, yaml, message) => {
  const file = parsePipeline(yaml, 'rollset.yaml');
  expect(() => checkTarget(file, target, 'rollset.yaml')).toThrow(message);
});
