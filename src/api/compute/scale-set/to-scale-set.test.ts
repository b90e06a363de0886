import { expect, test } from 'vitest';
import type { JsonObject } from '../../../model/resource.ts';
import {
  DEFINITION,
  row,
  SCALE_SET,
  shopLoadBalancerRow,
  shopScaleSetBody,
  shopScaleSetRow,
} from './testing.ts';
import { rolloutPolicyKey, toScaleSet } from './to-scale-set.ts';

const GIB = 1024 ** 3;

test('a full row becomes the internal model', () => {
  const scaleSet = toScaleSet({
    scaleSet: shopScaleSetRow({
      generation: 7,
      internal: { customData: 'aGVsbG8=', modelGeneration: 4 },
    }),
    loadBalancers: [shopLoadBalancerRow()],
    rolloutPolicy: row(
      `${SCALE_SET}/providers/Rollset.Fleet/rolloutPolicies/default`,
      'Rollset.Fleet/rolloutPolicies',
      {
        properties: { healthTimeout: 'PT20S', drain: 'PT2S' },
      },
    ),
  });
  expect(scaleSet).toEqual({
    id: SCALE_SET,
    name: 'shop',
    location: 'westus',
    generation: 7,
    capacity: 5,
    vmSize: 'Standard_B1s',
    vCPUs: 1,
    memoryMib: 256,
    image: { definitionId: DEFINITION },
    automaticOSUpgrade: true,
    disableAutomaticRollback: false,
    rollingUpgradePolicy: {
      maxBatchInstancePercent: 40,
      maxUnhealthyInstancePercent: 40,
      maxUnhealthyUpgradedInstancePercent: 20,
      pauseTimeBetweenBatchesMs: 90_000,
      prioritizeUnhealthyInstances: false,
    },
    rolloutPolicy: { healthTimeoutMs: 20_000, drainMs: 2000 },
    computerNamePrefix: 'shop',
    adminUsername: 'keeper',
    sshPublicKeys: ['ssh-ed25519 AAAA keeper'],
    customData: 'aGVsbG8=',
    dataDisks: [
      { lun: 0, sizeBytes: GIB },
      { lun: 3, sizeBytes: 2 * GIB },
    ],
    healthProbe: {
      protocol: 'http',
      port: 8080,
      requestPath: '/healthz',
      intervalMs: 5000,
      numberOfProbes: 2,
    },
    frontends: [
      {
        frontendId: expect.stringMatching(/#http$/),
        address: '127.77.4.9',
        port: 80,
        backendPort: 8080,
        mode: 'http',
      },
      {
        frontendId: expect.stringMatching(/#ssh$/),
        address: '127.77.4.9',
        port: 2222,
        backendPort: 22,
        mode: 'tcp',
      },
    ],
  });
});

test('a bare row gets the defaults of Azure', () => {
  const scaleSet = toScaleSet({
    scaleSet: row(SCALE_SET, 'Microsoft.Compute/virtualMachineScaleSets', {
      location: 'westus',
      sku: { name: 'standard_b1s', capacity: 0 },
      properties: {
        virtualMachineProfile: {
          storageProfile: { imageReference: { id: `${DEFINITION}/versions/1.4.0` } },
        },
      },
    }),
    loadBalancers: [shopLoadBalancerRow()],
  });
  expect(scaleSet).toMatchObject({
    capacity: 0,
    memoryMib: 1024,
    image: { definitionId: DEFINITION, version: '1.4.0' },
    automaticOSUpgrade: false,
    rollingUpgradePolicy: { maxBatchInstancePercent: 20, pauseTimeBetweenBatchesMs: 0 },
    rolloutPolicy: { healthTimeoutMs: 300_000, drainMs: 30_000 },
    computerNamePrefix: 'shop',
    dataDisks: [],
    frontends: [],
  });
  expect(scaleSet).not.toHaveProperty('healthProbe');
  expect(scaleSet).not.toHaveProperty('customData');
});

test('without useRollingUpgradePolicy the built-in policy is in force', () => {
  const body = shopScaleSetBody();
  (body.properties['upgradePolicy'] as JsonObject)['automaticOSUpgradePolicy'] = {
    enableAutomaticOSUpgrade: true,
  };
  const { rollingUpgradePolicy } = toScaleSet({
    scaleSet: shopScaleSetRow({ body }),
    loadBalancers: [],
  });
  expect(rollingUpgradePolicy).toMatchObject({
    maxBatchInstancePercent: 20,
    pauseTimeBetweenBatchesMs: 0,
  });
});

test('`…/versions/latest` follows the definition', () => {
  const body = shopScaleSetBody();
  const profile = body.properties['virtualMachineProfile'] as JsonObject;
  (profile['storageProfile'] as JsonObject)['imageReference'] = {
    id: `${DEFINITION}/versions/Latest`,
  };
  const { image } = toScaleSet({ scaleSet: shopScaleSetRow({ body }), loadBalancers: [] });
  expect(image).toEqual({ definitionId: DEFINITION });
});

test('the roll-out policy row is found by key', () => {
  expect(rolloutPolicyKey(SCALE_SET)).toBe(
    '/subscriptions/5b8e/resourcegroups/shop-rg/providers/microsoft.compute/virtualmachinescalesets/shop/providers/rollset.fleet/rolloutpolicies/default',
  );
});
