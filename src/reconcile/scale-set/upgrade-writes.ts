// What each step of a rolling upgrade writes: the run, the instances' wanted disks, quarantine. Pure.
import { asResourceId, resourceKey } from '../../model/resource-id.ts';
import type {
  InstanceRow,
  InstanceUpgrade,
  OsDiskReason,
  UpgradeRunRow,
} from '../../model/scale-set.ts';
import { endOperation, type OperationOutcome } from '../../operations/operations.ts';
import type { UpgradeStep } from '../../planning/rolling-upgrade/view.ts';
import { replace } from '../../store/replace.ts';
import type { Put, Stored, Write } from '../../store/store.ts';
import { assertNever } from '../../support/assert.ts';
import { isoTime } from '../../support/clock.ts';
import type { Ids } from '../../support/ids.ts';
import { TYPES } from '../keys.ts';
import { instanceModel } from './instances.ts';
import type { SeenScaleSet } from './observe.ts';

export type WriteContext = { readonly now: number; readonly ids: Ids };

type Run = Stored<'run'>;

/** Empty when the step changes nothing that is stored. */
export function upgradeWrites(
  step: UpgradeStep,
  seen: SeenScaleSet,
  run: Run,
  context: WriteContext,
): Write[] {
  const withNote = {
    ...run.body,
    reason: step.note,
    pendingInstanceIds: pendingIds(seen, run.body),
  };
  switch (step.kind) {
    case 'wait':
      return sameStory(run.body, withNote) ? [] : [putRun(run, withNote)];
    case 'upgradeBatch':
      return startBatch(step, seen, run, withNote, context);
    case 'accept':
      return [
        putRun(run, markInstances(withNote, step.instanceIds, { outcome: 'upgraded' }, context)),
      ];
    case 'restored':
      return [
        putRun(run, markInstances(withNote, step.instanceIds, { outcome: 'restored' }, context)),
      ];
    case 'fail': {
      const change = { outcome: 'failed' as const, reason: step.reason };
      return [putRun(run, markInstances(withNote, step.instanceIds, change, context))];
    }
    case 'restore':
      return restoreInstances(step, seen, run, withNote, context);
    case 'endBatch': {
      const endedAt = isoTime(context.now);
      const batches = run.body.batches.map((batch) =>
        batch.number === step.number ? { ...batch, endedAt } : batch,
      );
      return [putRun(run, { ...withNote, batches })];
    }
    case 'end':
      return endRun(step, seen, run, withNote, context);
    default:
      return assertNever(step);
  }
}

function sameStory(a: UpgradeRunRow, b: UpgradeRunRow): boolean {
  return a.reason === b.reason && a.pendingInstanceIds.join() === b.pendingInstanceIds.join();
}

function pendingIds(seen: SeenScaleSet, run: UpgradeRunRow): string[] {
  return seen.instances
    .map((row) => row.body)
    .filter((row) => row.wanted === 'present' && row.osDisk.version !== run.targetVersion)
    .filter((row) => run.instances[row.instanceId] === undefined)
    .map((row) => row.instanceId);
}

function putRun(run: Run, body: UpgradeRunRow): Put<'run'> {
  const type = body.state === 'RollingForward' ? 'active' : 'ended';
  return replace(run, body, type);
}

function markInstances(
  run: UpgradeRunRow,
  instanceIds: readonly string[],
  change: Pick<InstanceUpgrade, 'outcome'> & Partial<InstanceUpgrade>,
  { now }: WriteContext,
): UpgradeRunRow {
  const ended = change.outcome === 'restoring' ? {} : { endedAt: isoTime(now) };
  const marked = instanceIds.flatMap((id) => {
    const known = run.instances[id];
    return known === undefined ? [] : [[id, { ...known, ...change, ...ended }] as const];
  });
  return { ...run, instances: { ...run.instances, ...Object.fromEntries(marked) } };
}

function rowsOf(seen: SeenScaleSet, instanceIds: readonly string[]): Stored<'instance'>[] {
  return seen.instances.filter((row) => instanceIds.includes(row.body.instanceId));
}

function startBatch(
  step: Extract<UpgradeStep, { kind: 'upgradeBatch' }>,
  seen: SeenScaleSet,
  run: Run,
  body: UpgradeRunRow,
  { now, ids }: WriteContext,
): Write[] {
  const at = isoTime(now);
  const rows = rowsOf(seen, step.instanceIds);
  const begun = rows.map(({ body: row }): [string, InstanceUpgrade] => [
    row.instanceId,
    { outcome: 'upgrading', batch: step.number, fromVersion: row.osDisk.version, startedAt: at },
  ]);
  const batch = { number: step.number, instanceIds: step.instanceIds, startedAt: at };
  const next = {
    ...body,
    batches: [...body.batches, batch],
    instances: { ...body.instances, ...Object.fromEntries(begun) },
    pendingInstanceIds: body.pendingInstanceIds.filter((id) => !step.instanceIds.includes(id)),
  };
  const target = {
    version: run.body.targetVersion,
    versionId: run.body.targetVersionId,
    image: run.body.targetImage,
    versionTags: run.body.targetTags,
  };
  return [
    putRun(run, next),
    ...rows.map((row) => {
      const diskId = `os-${ids.short(12)}`;
      return replace(row, {
        ...row.body,
        osDisk: { diskId, ...target },
        previousOsDisk: row.body.osDisk,
        osDiskReason: diskReason('upgrade', row.body, run.key, at),
        // As on Azure, configuration from the set's model is applied again with the new OS disk.
        // The data disks stay the ones this instance was made with.
        model: { ...instanceModel(seen.set.model), dataDisks: row.body.model.dataDisks },
        modelGeneration: seen.set.model.generation,
      });
    }),
  ];
}

function diskReason(
  kind: OsDiskReason['kind'],
  row: InstanceRow,
  runId: string,
  at: string,
): OsDiskReason {
  return { kind, runId, fromVersion: row.osDisk.version, fromDiskId: row.osDisk.diskId, at };
}

function restoreInstances(
  step: Extract<UpgradeStep, { kind: 'restore' }>,
  seen: SeenScaleSet,
  run: Run,
  body: UpgradeRunRow,
  context: WriteContext,
): Write[] {
  const at = isoTime(context.now);
  const rows = rowsOf(seen, step.instanceIds);
  const restorable = rows.filter((row) => row.body.previousOsDisk !== undefined);
  const ids = restorable.map((row) => row.body.instanceId);
  const lost = step.instanceIds.filter((id) => !ids.includes(id));
  const change = { outcome: 'restoring' as const, reason: step.reason };
  const marked = markInstances(body, ids, change, context);
  const failed = {
    outcome: 'failed' as const,
    reason: `${step.reason}; no previous OS disk is kept`,
  };
  return [
    putRun(run, markInstances(marked, lost, failed, context)),
    ...restorable.map((row) => {
      const { previousOsDisk, ...rest } = row.body;
      return replace(row, {
        ...rest,
        osDisk: previousOsDisk ?? row.body.osDisk,
        osDiskReason: diskReason('restore', row.body, run.key, at),
      });
    }),
  ];
}

function endRun(
  step: Extract<UpgradeStep, { kind: 'end' }>,
  seen: SeenScaleSet,
  run: Run,
  body: UpgradeRunRow,
  context: WriteContext,
): Write[] {
  const outcomes = Object.values(body.instances).map(({ outcome }) => outcome);
  const ended: UpgradeRunRow = {
    ...body,
    state: step.state,
    endTime: isoTime(context.now),
    ...(step.error === undefined ? {} : { error: step.error }),
    rollbackInfo: {
      successfullyRolledbackInstanceCount: outcomes.filter((each) => each === 'restored').length,
      failedRolledbackInstanceCount: outcomes.filter((each) => each === 'failed').length,
    },
  };
  // The way back of each VM is kept until here; the instance reconciler then discards the disks.
  const released = seen.instances
    .filter((row) => row.body.previousOsDisk !== undefined)
    .map((row) => {
      const { previousOsDisk: _released, ...rest } = row.body;
      return replace(row, rest);
    });
  const quarantine =
    step.quarantine === undefined ? [] : [quarantineWrite(seen, run, step.quarantine, context)];
  return [putRun(run, ended), ...released, ...quarantine, ...endOperations(seen, step, context)];
}

function quarantineWrite(
  seen: SeenScaleSet,
  run: Run,
  reason: string,
  { now }: WriteContext,
): Put<'resource'> {
  const version = run.body.targetVersion;
  const id = asResourceId(`${seen.set.model.id}/providers/Rollset.Fleet/quarantines/${version}`);
  const at = isoTime(now);
  return {
    put: 'resource',
    key: resourceKey(id),
    parent: seen.key,
    type: TYPES.quarantine,
    body: {
      id,
      type: 'Rollset.Fleet/quarantines',
      name: version,
      body: { properties: { version, reason, runId: run.key, since: at } },
      internal: {},
      provisioningState: 'Succeeded',
      generation: 1,
      createdAt: at,
      changedAt: at,
    },
  };
}

/** The person who started or cancelled the run waits for its end. */
function endOperations(
  seen: SeenScaleSet,
  step: Extract<UpgradeStep, { kind: 'end' }>,
  { now }: WriteContext,
): Write[] {
  return seen.operations.flatMap((operation) => {
    if (operation.body.kind === 'scaleSet.cancelRollingUpgrade') {
      return [endOperation(operation, { status: 'Succeeded' }, now)];
    }
    if (operation.body.kind !== 'scaleSet.osRollingUpgrade') return [];
    return [endOperation(operation, outcomeOf(step), now)];
  });
}

function outcomeOf(step: Extract<UpgradeStep, { kind: 'end' }>): OperationOutcome {
  if (step.state === 'Completed') return { status: 'Succeeded' };
  const error = step.error ?? { code: 'OperationCanceled', message: step.note };
  return { status: step.state === 'Cancelled' ? 'Canceled' : 'Failed', error };
}
