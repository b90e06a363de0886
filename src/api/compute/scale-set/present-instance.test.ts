// From rows to what clients read, one row of the table per situation of an instance.
import { expect, test } from 'vitest';
import type { InstanceRow, InstanceStatusRow } from '../../../model/scale-set.ts';
import { asResourceId } from '../../../model/resource-id.ts';
import {
  isLatestModelApplied,
  provisioningStateOf,
  toInstance,
  toInstanceView,
} from './present-instance.ts';
import { DEFINITION, SCALE_SET, shopScaleSetBody, shopScaleSetRow } from './testing.ts';

const IMAGE = { layers: [], boot: { kernel: 'k', modules: 'm', release: 'r' }, osDiskSizeBytes: 1 };
const instance: InstanceRow = {
  scaleSetId: asResourceId(SCALE_SET),
  instanceId: '3',
  vmId: 'shop-3',
  computerName: 'shop000003',
  wanted: 'present',
  osDisk: {
    diskId: 'os-new',
    version: '1.1.0',
    versionId: asResourceId(`${DEFINITION}/versions/1.1.0`),
    image: IMAGE,
    versionTags: {},
  },
  osDiskReason: { kind: 'upgrade', fromVersion: '1.0.0', at: '2026-03-02T12:00:00.000Z' },
  model: {
    vCPUs: 1,
    memoryMib: 256,
    ports: [8080],
    dataDisks: [{ lun: 0, sizeBytes: 1024 ** 3 }],
    adminUsername: 'keeper',
    sshPublicKeys: ['ssh-ed25519 AAAA'],
  },
  modelGeneration: 4,
  createdAt: '2026-03-01T12:00:00.000Z',
};
const status: InstanceStatusRow = {
  scaleSetId: asResourceId(SCALE_SET),
  instanceId: '3',
  power: 'running',
  diskId: 'os-new',
  version: '1.1.0',
  health: 'Healthy',
  healthReason: 'HTTP 200 from /healthz',
  healthSince: '2026-03-02T12:01:00.000Z',
  balancer: 'ready',
  startedAt: '2026-03-02T12:00:30.000Z',
  guestUpAt: '2026-03-02T12:00:40.000Z',
  endpoints: [],
  failedStarts: 0,
  waitingFor: '',
};
const scaleSet = shopScaleSetRow({ generation: 6, internal: { modelGeneration: 4 } });

/** What a reconciler has not written is absent from its row. */
function without<T extends object>(row: T, ...keys: (keyof T)[]): T {
  return Object.fromEntries(
    Object.entries(row).filter(([key]) => !keys.includes(key as keyof T)),
  ) as T;
}

test.each([
  ['is as wanted', {}, status, 'Succeeded', 'PowerState/running'],
  ['was not observed yet', {}, undefined, 'Creating', undefined],
  [
    'has not started yet',
    {},
    without({ ...status, power: 'absent' as const }, 'startedAt', 'diskId'),
    'Creating',
    undefined,
  ],
  [
    'is being swapped',
    {},
    { ...status, diskId: 'os-old', version: '1.0.0', power: 'stopping' as const },
    'Updating',
    'PowerState/stopping',
  ],
  ['is being deleted', { wanted: 'deleted' as const }, status, 'Deleting', 'PowerState/running'],
  [
    'cannot start',
    {},
    { ...status, power: 'stopped' as const, error: 'no memory' },
    'Failed',
    'PowerState/stopped',
  ],
  [
    'never started',
    {},
    without({ ...status, power: 'absent' as const, error: 'no disk' }, 'startedAt'),
    'Failed',
    undefined,
  ],
] as const)('an instance that %s', (_what, change, seen, state, power) => {
  const rows = { scaleSet, instance: { ...instance, ...change }, status: seen };
  expect(provisioningStateOf(rows)).toBe(state);
  const { statuses } = toInstanceView(rows) as { statuses: { code: string }[] };
  expect(statuses.map(({ code }) => code)).toEqual(
    [`ProvisioningState/${state.toLowerCase()}`, power].filter((code) => code !== undefined),
  );
});

test.each([
  ['Healthy', 'HealthState/healthy', 'Info'],
  ['Unhealthy', 'HealthState/unhealthy', 'Error'],
  ['Unknown', 'HealthState/unknown', 'Warning'],
  ['Initializing', 'HealthState/initializing', 'Info'],
] as const)('health %s is %s, with its reason', (health, code, level) => {
  const view = toInstanceView({
    scaleSet,
    instance,
    status: { ...status, health, healthReason: 'why' },
  });
  expect(view['vmHealth']).toMatchObject({
    status: { code, level, message: 'why', time: status.healthSince },
  });
});

test('without a source of health there is no vmHealth', () => {
  const body = shopScaleSetBody();
  const profile = {
    ...(body.properties['virtualMachineProfile'] as object),
    extensionProfile: { extensions: [] },
  };
  const bare = shopScaleSetRow({
    body: { ...body, properties: { virtualMachineProfile: profile } },
  });
  expect(toInstanceView({ scaleSet: bare, instance, status })).not.toHaveProperty('vmHealth');
});

test.each([
  ['the model it has is the one wanted', 4, { modelGeneration: 4 }, true],
  ['the model changed later', 3, { modelGeneration: 4 }, false],
  ['it was reimaged after a capacity change', 6, { modelGeneration: 4 }, true],
  ['the row says nothing of its model', 6, {}, true],
] as const)('latestModelApplied when %s', (_what, modelGeneration, internal, applied) => {
  const set = shopScaleSetRow({ generation: 6, internal: { ...internal } });
  expect(isLatestModelApplied(set, { ...instance, modelGeneration })).toBe(applied);
});

test('exactVersion is what the VM runs, not what is wanted', () => {
  const swapping = { ...status, diskId: 'os-old', version: '1.0.0' };
  const shown = toInstance({ scaleSet, instance, status: swapping }, false);
  expect(shown).toMatchObject({
    id: `${SCALE_SET}/virtualMachines/3`,
    name: 'shop_3',
    instanceId: '3',
    properties: {
      vmId: 'shop-3',
      latestModelApplied: true,
      storageProfile: {
        imageReference: { id: DEFINITION, exactVersion: '1.0.0' },
        osDisk: { name: 'os-old', createOption: 'FromImage' },
        dataDisks: [{ lun: 0, name: 'shop_3_lun0', diskSizeGB: 1 }],
      },
      osProfile: { computerName: 'shop000003', adminUsername: 'keeper' },
    },
  });
  expect(shown['properties']).not.toHaveProperty('instanceView');
});
