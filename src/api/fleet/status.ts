// `<scale set>/providers/Rollset.Fleet/status/current`: the whole fleet in one reading.
import { readVersionsOfSet } from '../../gallery/read-versions.ts';
import type { JsonObject, ResourceRow } from '../../model/resource.ts';
import type { InstanceStatusRow, ScaleSet, UpgradeRunRow } from '../../model/scale-set.ts';
import { resolveLatest } from '../../planning/gallery/latest.ts';
import type { LatestAnswer } from '../../planning/gallery/view.ts';
import type { Stored } from '../../store/store.ts';
import { assert } from '../../support/assert.ts';
import { defineComputed } from '../arm/declaration.ts';
import type { StoreReader } from '../arm/declaration.ts';
import { isLatestModelApplied } from '../compute/scale-set/present-instance.ts';
import type { InstanceRows } from '../compute/scale-set/present-instance.ts';
import { latestRun } from '../compute/scale-set/present-upgrade-run.ts';
import { readInstances } from '../compute/scale-set/read-instances.ts';
import { rolloutPolicyKey, toScaleSet } from '../compute/scale-set/to-scale-set.ts';

export const statusType = defineComputed({
  type: 'Rollset.Fleet/status',
  scope: 'extension',
  extends: ['Microsoft.Compute/virtualMachineScaleSets'],
  async get({ store, id, name, parent }) {
    if (name.toLowerCase() !== 'current') return undefined;
    assert(parent, 'a status extends a scale set');
    const [model, instances, runs] = await Promise.all([
      readModel(store, parent),
      readInstances(store, parent),
      store.list('run', { parent: parent.key }),
    ]);
    const { candidates } = await readVersionsOfSet(store, model.image.definitionId, model.id);
    const status = toStatus({
      scaleSet: parent.body,
      model,
      instances,
      run: latestRun(runs.map(({ body }) => body)),
      latest: resolveLatest(candidates, model.location),
    });
    return { id, name: 'current', type: 'Rollset.Fleet/status', properties: status };
  },
});

export type StatusView = {
  readonly scaleSet: ResourceRow;
  readonly model: ScaleSet;
  readonly instances: readonly InstanceRows[];
  readonly run: UpgradeRunRow | undefined;
  readonly latest: LatestAnswer;
};

/** Pure. */
export function toStatus({ scaleSet, model, instances, run, latest }: StatusView): JsonObject {
  return {
    provisioningState: scaleSet.provisioningState,
    capacity: model.capacity,
    instances: instances.map(toInstanceStatus),
    ...(run === undefined ? {} : { run: toRun(run) }),
    versions: {
      latest: latest.latest ?? null,
      losers: latest.losers.map((loser) => ({ ...loser })),
    },
    frontends: model.frontends.map(({ address, port, mode }) => ({ address, port, mode })),
  };
}

function toInstanceStatus({ scaleSet, instance, status }: InstanceRows): JsonObject {
  return {
    instanceId: instance.instanceId,
    name: `${scaleSet.name}_${instance.instanceId}`,
    wanted: instance.wanted,
    power: status?.power ?? 'absent',
    health: status?.health ?? 'Unknown',
    healthReason: status?.healthReason ?? 'The instance was not observed yet.',
    healthSince: status?.healthSince ?? instance.createdAt,
    version: status?.version ?? instance.osDisk.version,
    wantedVersion: instance.osDisk.version,
    diskId: status?.diskId ?? instance.osDisk.diskId,
    wantedDiskId: instance.osDisk.diskId,
    balancer: status?.balancer ?? 'none',
    waitingFor: status?.waitingFor ?? 'its first observation',
    latestModelApplied: isLatestModelApplied(scaleSet, instance),
    endpoints: (status?.endpoints ?? []).map((endpoint) => ({ ...endpoint })),
    ...optional('error', status?.error),
    ...timesOf(status),
  };
}

function timesOf(status: InstanceStatusRow | undefined): JsonObject {
  return {
    ...optional('startedAt', status?.startedAt),
    ...optional('guestUpAt', status?.guestUpAt),
    ...optional('drainStartedAt', status?.drainStartedAt),
  };
}

function toRun(run: UpgradeRunRow): JsonObject {
  return {
    runId: run.runId,
    state: run.state,
    targetVersion: run.targetVersion,
    reason: run.reason,
    startedBy: run.startedBy,
    cancelRequested: run.cancelRequested,
    startTime: run.startTime,
    ...optional('endTime', run.endTime),
    batches: run.batches.map((batch) => ({ ...batch, instanceIds: [...batch.instanceIds] })),
    instances: Object.fromEntries(
      Object.entries(run.instances).map(([id, upgrade]) => [id, { ...upgrade }]),
    ),
    pendingInstanceIds: [...run.pendingInstanceIds],
    ...(run.error === undefined ? {} : { error: { ...run.error } }),
    ...(run.rollbackInfo === undefined ? {} : { rollbackInfo: { ...run.rollbackInfo } }),
  };
}

function optional(key: string, value: string | undefined): JsonObject {
  return value === undefined ? {} : { [key]: value };
}

async function readModel(store: StoreReader, scaleSet: Stored<'resource'>): Promise<ScaleSet> {
  const [loadBalancers, rolloutPolicy] = await Promise.all([
    store.list('resource', { type: 'microsoft.network/loadbalancers' }),
    store.get('resource', rolloutPolicyKey(scaleSet.key)),
  ]);
  return toScaleSet({
    scaleSet: scaleSet.body,
    loadBalancers: loadBalancers.map(({ body }) => body),
    ...(rolloutPolicy === undefined ? {} : { rolloutPolicy: rolloutPolicy.body }),
  });
}
