// What one pass over an instance leaves behind: its status row, and the report of an ended swap. Pure.
import { asResourceId } from '../../model/resource-id.ts';
import type { ResourceRow } from '../../model/resource.ts';
import type {
  DataDiskFacts,
  InstanceRow,
  InstanceStatusRow,
  SwapFacts,
} from '../../model/scale-set.ts';
import type { InstanceStep } from '../../planning/instance/view.ts';
import { isoTime } from '../../support/clock.ts';
import type { SeenInstance } from './observe.ts';

/** The status to record before the step is done. */
export function nextStatus(seen: SeenInstance, step: InstanceStep): InstanceStatusRow {
  const { row, view } = seen;
  const before = seen.status?.body;
  const now = isoTime(view.now);
  const startedAt = seen.vm?.startedAtMs === undefined ? undefined : isoTime(seen.vm.startedAtMs);
  const sameStart = before?.startedAt !== undefined && before.startedAt === startedAt;
  const guestUpAt = view.guestUp ? ((sameStart ? before?.guestUpAt : undefined) ?? now) : undefined;
  const report = seen.report ?? before?.report;
  const swap = swapFacts(seen, step, now);
  const draining = step.kind === 'drain' || (step.kind === 'wait' && step.for === 'drain');
  const drainStartedAt = draining ? (before?.drainStartedAt ?? now) : undefined;
  const lastFailedStart = view.lastFailedStartMs;
  return {
    scaleSetId: row.body.scaleSetId,
    instanceId: row.body.instanceId,
    power: powerOf(seen, step),
    ...(seen.vm === undefined ? {} : { diskId: seen.vm.diskId }),
    ...versionOf(row.body, seen.vm?.diskId),
    ...healthOf(seen, now),
    balancer: balancerOf(view, step),
    endpoints: seen.vm?.power === 'running' ? seen.vm.endpoints : [],
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(guestUpAt === undefined ? {} : { guestUpAt }),
    ...(drainStartedAt === undefined ? {} : { drainStartedAt }),
    ...(report === undefined ? {} : { report }),
    ...(swap === undefined ? {} : { swap }),
    failedStarts: view.failedStarts,
    ...(lastFailedStart === undefined ? {} : { lastFailedStartAt: isoTime(lastFailedStart) }),
    waitingFor: step.kind === 'none' ? '' : step.note,
  };
}

function powerOf(seen: SeenInstance, step: InstanceStep): InstanceStatusRow['power'] {
  if (seen.vm === undefined) return 'absent';
  if (step.kind === 'powerOff') return 'stopping';
  if (step.kind === 'start') return 'starting';
  if (seen.vm.power === 'stopped') return 'stopped';
  return seen.view.guestUp ? 'running' : 'starting';
}

function versionOf(row: InstanceRow, diskId: string | undefined): { version?: string } {
  if (diskId === row.osDisk.diskId) return { version: row.osDisk.version };
  if (diskId === row.previousOsDisk?.diskId && row.previousOsDisk !== undefined) {
    return { version: row.previousOsDisk.version };
  }
  if (diskId !== undefined && diskId === row.osDiskReason.fromDiskId) {
    const version = row.osDiskReason.fromVersion;
    return version === undefined ? {} : { version };
  }
  return {};
}

/** The time of a change is kept while state and process stay the same. */
function healthOf(
  seen: SeenInstance,
  now: string,
): Pick<InstanceStatusRow, 'health' | 'healthReason' | 'healthSince'> {
  const before = seen.status?.body;
  const { state, reason } = { state: seen.view.health, reason: seen.health.reason };
  const same = before?.health === state;
  return { health: state, healthReason: reason, healthSince: same ? before.healthSince : now };
}

function balancerOf(view: SeenInstance['view'], step: InstanceStep): InstanceStatusRow['balancer'] {
  if (view.backends.length === 0) return 'none';
  if (step.kind === 'drain') return 'draining';
  if (step.kind === 'putIn') return 'ready';
  if (step.kind === 'takeOut') return 'out';
  if (view.backends.some((each) => each.state === 'draining')) return 'draining';
  return view.backends.every((each) => each.state === 'ready') ? 'ready' : 'out';
}

/** Facts gather while a disk is being swapped and stay until `endedSwap` turns them into a report. */
function swapFacts(seen: SeenInstance, step: InstanceStep, now: string): SwapFacts | undefined {
  const { row, view } = seen;
  const known = seen.status?.body.swap;
  const target = row.body.osDisk.diskId;
  if (row.body.wanted === 'deleted') return undefined;
  if (known?.toDiskId !== target) {
    const swapping = view.vm.power !== 'absent' && view.vm.diskId !== target;
    if (!swapping) return undefined;
    return {
      toDiskId: target,
      startedAt: now,
      dataDisksBefore: seen.status?.body.report?.dataDisks ?? [],
      ...(step.kind === 'powerOff' ? { drainedAt: now } : {}),
    };
  }
  const onTarget = view.vm.power !== 'absent' && view.vm.diskId === target;
  const healthy = onTarget && view.guestUp && view.health === 'Healthy';
  const drainedAt = known.drainedAt ?? (step.kind === 'powerOff' ? now : undefined);
  const poweredOffAt = known.poweredOffAt ?? (step.kind === 'reimage' ? now : undefined);
  const bootedAt = known.bootedAt ?? (onTarget && view.guestUp ? now : undefined);
  const healthyAt = known.healthyAt ?? (healthy ? now : undefined);
  return {
    ...known,
    ...(drainedAt === undefined ? {} : { drainedAt }),
    ...(poweredOffAt === undefined ? {} : { poweredOffAt }),
    ...(bootedAt === undefined ? {} : { bootedAt }),
    ...(healthyAt === undefined ? {} : { healthyAt }),
  };
}

/**
 * The report of a swap that ended with this pass: the instance is as wanted on the new disk, or
 * another disk is wanted of it by now.
 */
export function endedSwap(seen: SeenInstance, step: InstanceStep): ResourceRow | undefined {
  const facts = seen.status?.body.swap;
  if (facts === undefined) return undefined;
  const done = facts.toDiskId === seen.row.body.osDisk.diskId && step.kind === 'none';
  const overtaken = facts.toDiskId !== seen.row.body.osDisk.diskId;
  if (!done && !overtaken) return undefined;
  return swapReport(seen, facts, done ? 'healthy' : 'notHealthyInTime');
}

function swapReport(
  seen: SeenInstance,
  facts: SwapFacts,
  outcome: 'healthy' | 'notHealthyInTime',
): ResourceRow {
  const { scaleSetId, instanceId, osDisk, osDiskReason } = seen.row.body;
  const now = isoTime(seen.view.now);
  // Once overtaken, the row speaks of the restore; the ended swap was the upgrade before it.
  const ended = outcome === 'healthy';
  const kind = ended ? osDiskReason.kind : 'upgrade';
  const [fromVersion, toVersion] = ended
    ? [osDiskReason.fromVersion ?? null, osDisk.version]
    : [osDisk.version, osDiskReason.fromVersion ?? null];
  const fromDiskId = ended ? (osDiskReason.fromDiskId ?? null) : osDisk.diskId;
  const after = seen.report?.dataDisks ?? [];
  const run = osDiskReason.runId ?? `disk-${facts.toDiskId}`;
  const name = `${run}.${instanceId}.${kind}`;
  return {
    id: asResourceId(`${scaleSetId}/providers/Rollset.Fleet/swapReports/${name}`),
    type: 'Rollset.Fleet/swapReports',
    name,
    body: {
      properties: {
        runId: osDiskReason.runId ?? null,
        instanceId,
        kind,
        fromVersion,
        toVersion,
        fromDiskId,
        toDiskId: facts.toDiskId,
        startedAt: facts.startedAt,
        drainedAt: facts.drainedAt ?? null,
        poweredOffAt: facts.poweredOffAt ?? null,
        bootedAt: facts.bootedAt ?? null,
        healthyAt: facts.healthyAt ?? null,
        endedAt: now,
        outcome,
        dataDisksBefore: facts.dataDisksBefore.map(toJson),
        dataDisksAfter: after.map(toJson),
        dataDisksIdentical: sameDataDisks(facts.dataDisksBefore, after),
      },
    },
    internal: {},
    provisioningState: 'Succeeded',
    generation: 1,
    createdAt: now,
    changedAt: now,
  };
}

function toJson(disk: DataDiskFacts) {
  return {
    lun: disk.lun,
    serial: disk.serial,
    sizeBytes: disk.sizeBytes,
    filesystemUuid: disk.filesystemUuid ?? null,
    clean: disk.clean ?? null,
  };
}

/** Same luns, and on each the same serial, size and (where there was one before) file system. */
export function sameDataDisks(
  before: readonly DataDiskFacts[],
  after: readonly DataDiskFacts[],
): boolean {
  if (before.length !== after.length) return false;
  return before.every((disk) => {
    const now = after.find((each) => each.lun === disk.lun);
    return (
      now !== undefined &&
      now.serial === disk.serial &&
      now.sizeBytes === disk.sizeBytes &&
      (disk.filesystemUuid === undefined || now.filesystemUuid === disk.filesystemUuid)
    );
  });
}
