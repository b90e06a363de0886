// From what was seen of a scale set to what each planner is shown. Pure.
import type { InstanceRow, InstanceStatusRow, UpgradeRunRow } from '../../model/scale-set.ts';
import type { UpgradeInstanceView, UpgradeView } from '../../planning/rolling-upgrade/view.ts';
import type { ScaleSetView } from '../../planning/scale-set/view.ts';
import type { Stored } from '../../store/store.ts';
import type { SeenScaleSet } from './observe.ts';

/**
 * A fresh OS disk holds only what differs from the image. Figure: a boot writes some tens of MB
 * (logs, state); a guest may fill the rest later, which the pre-check cannot know.
 */
export const FRESH_OS_DISK_BYTES = 256 * 1024 * 1024;

/** After so many failed starts in a row a VM is down by itself and no longer because of us. */
const DOWN_BY_ITSELF_STARTS = 3;
/** From its start to its OS's first answer; as long as the upgrade planner gives a boot. */
const REPAIR_LIMIT_MS = 5 * 60_000;

/** An ended run's target is tried again by itself only after this; doubled with each try. */
const FIRST_HOLD_MS = 60_000;
const LONGEST_HOLD_MS = 60 * 60_000;

export function upgradeView(
  seen: SeenScaleSet,
  run: UpgradeRunRow,
  { now, watchingSinceMs, freeBytes }: { now: number; watchingSinceMs: number; freeBytes: number },
): UpgradeView {
  return {
    now,
    watchingSinceMs,
    targetVersion: run.targetVersion,
    instances: seen.instances.map((row) => upgradeInstanceView(seen, row, run, now)),
    policy: run.policy,
    rolloutPolicy: run.rolloutPolicy,
    disableAutomaticRollback: run.disableAutomaticRollback,
    cancelRequested: run.cancelRequested || seen.set.row.body.provisioningState === 'Deleting',
    batches: run.batches,
    outcomes: run.instances,
    diskSpace: { freeBytes, neededBytesPerInstance: FRESH_OS_DISK_BYTES },
  };
}

function upgradeInstanceView(
  seen: SeenScaleSet,
  row: Stored<'instance'>,
  run: UpgradeRunRow,
  now: number,
): UpgradeInstanceView {
  const status = seen.statuses.get(row.key)?.body;
  const settled = isSettled(seen, row);
  const guestUpAt = status?.guestUpAt;
  const outcome = run.instances[row.body.instanceId]?.outcome;
  const ofThisRun = outcome === 'upgrading' || outcome === 'restoring';
  return {
    instanceId: row.body.instanceId,
    version: row.body.osDisk.version,
    health: settled ? (status?.health ?? 'Unknown') : 'Unknown',
    healthReason: status?.healthReason ?? 'not observed yet',
    settled,
    msSinceGuestUp: settled && guestUpAt !== undefined ? now - Date.parse(guestUpAt) : 0,
    msSinceDiskWanted: now - Date.parse(row.body.osDiskReason.at),
    repairing: !settled && !ofThisRun && isBeingRepaired(row.body, status, now),
    deleting: row.body.wanted === 'deleted',
  };
}

/** Not for ever: a VM that cannot start, or hangs while it does, is down by itself. */
function isBeingRepaired(
  row: InstanceRow,
  status: InstanceStatusRow | undefined,
  now: number,
): boolean {
  if ((status?.failedStarts ?? 0) >= DOWN_BY_ITSELF_STARTS) return false;
  const since = Math.max(
    Date.parse(row.osDiskReason.at),
    Date.parse(status?.startedAt ?? row.osDiskReason.at),
  );
  return now - since < REPAIR_LIMIT_MS;
}

/** True when the VM runs the wanted disk and its OS has answered since. */
export function isSettled(seen: SeenScaleSet, row: Stored<'instance'>): boolean {
  const status = seen.statuses.get(row.key)?.body;
  return (
    status !== undefined &&
    status.power === 'running' &&
    status.diskId === row.body.osDisk.diskId &&
    status.guestUpAt !== undefined
  );
}

/** Healthy, on the wanted disk, and serving where the set has a balancer. */
export function isServing(seen: SeenScaleSet, row: Stored<'instance'>): boolean {
  const status = seen.statuses.get(row.key)?.body;
  const inPool = seen.set.model.frontends.length === 0 || status?.balancer === 'ready';
  return isSettled(seen, row) && status?.health === 'Healthy' && inPool;
}

export function scaleSetView(
  seen: SeenScaleSet,
  endedRuns: readonly UpgradeRunRow[],
  now: number,
): ScaleSetView {
  const { model, row } = seen.set;
  const pinned = model.image.version;
  const target = pinned ?? seen.latest.latest;
  const holdUntilMs = target === undefined ? undefined : holdUntil(endedRuns, target);
  return {
    deleting: row.body.provisioningState === 'Deleting',
    capacity: model.capacity,
    instances: seen.instances.map((each) => ({
      instanceId: each.body.instanceId,
      wanted: each.body.wanted,
      version: each.body.osDisk.version,
      gone: each.body.wanted === 'deleted' && seen.statuses.get(each.key)?.body.power === 'absent',
    })),
    nextInstanceNumber: nextInstanceNumber(seen.instances.map((each) => each.body)),
    versionForNew: versionForNew(seen, target),
    automaticOSUpgrade: model.automaticOSUpgrade && pinned === undefined,
    upgradeTarget: pinned === undefined && usable(seen, target) ? target : undefined,
    upgradeAsked: seen.operations.some(({ body }) => body.kind === 'scaleSet.osRollingUpgrade'),
    runInProgress: seen.run !== undefined,
    busyInstanceIds: busyInstances(seen.run?.body),
    ...(holdUntilMs === undefined ? {} : { holdUntilMs }),
    now,
  };
}

/**
 * What a new instance starts with: while a roll-out is under way the version it comes from, as long
 * as any instance has it. The run then brings the new one along; a bad version reaches no more
 * instances than the run can put back. (Azure gives new instances the unproven version.)
 */
function versionForNew(seen: SeenScaleSet, target: string | undefined): string | undefined {
  const unproven = seen.run?.body.targetVersion;
  const proven = seen.instances
    .filter(({ body }) => body.wanted === 'present' && body.osDisk.version !== unproven)
    .map(({ body }) => body.osDisk.version)
    .find((version) => usable(seen, version));
  if (unproven !== undefined && proven !== undefined) return proven;
  return usable(seen, target) ? target : undefined;
}

function usable(seen: SeenScaleSet, version: string | undefined): boolean {
  const row = seen.versions.find((each) => each.body.name === version);
  return row?.body.provisioningState === 'Succeeded';
}

function nextInstanceNumber(instances: readonly InstanceRow[]): number {
  return Math.max(-1, ...instances.map((each) => Number(each.instanceId))) + 1;
}

export function busyInstances(run: UpgradeRunRow | undefined): string[] {
  return Object.entries(run?.instances ?? {})
    .filter(([, { outcome }]) => outcome === 'upgrading' || outcome === 'restoring')
    .map(([instanceId]) => instanceId);
}

/**
 * After a run for this target ended without bringing every instance to it, the next automatic try
 * waits. A cancelled one waits for a person or a newer version: somebody wanted it stopped.
 */
function holdUntil(endedRuns: readonly UpgradeRunRow[], target: string): number | undefined {
  const tries = endedRuns
    .filter((run) => run.targetVersion === target && run.endTime !== undefined)
    .toSorted((a, b) => a.startTime.localeCompare(b.startTime));
  const last = tries.at(-1);
  if (last?.endTime === undefined) return undefined;
  if (last.state === 'Cancelled') return Number.POSITIVE_INFINITY;
  // It was quarantined then; that it is the target again means that somebody lifted the quarantine.
  if (last.error?.code === 'MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade') {
    return undefined;
  }
  const untouched = last.state === 'Completed' && allUpgraded(last);
  if (untouched) return undefined;
  const wait = Math.min(FIRST_HOLD_MS * 2 ** (tries.length - 1), LONGEST_HOLD_MS);
  return Date.parse(last.endTime) + wait;
}

function allUpgraded(run: UpgradeRunRow): boolean {
  return Object.values(run.instances).every(({ outcome }) => outcome === 'upgraded');
}
