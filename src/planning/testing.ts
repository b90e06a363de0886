// For tests: a fleet small enough to read, and pure, so that a whole rolling upgrade can be played.
//
// It does what the reconcilers and the engine do, in one step each: carry out what the planner says,
// let time pass, let VMs boot and turn healthy or not. Its rows go through src/checks at every tick.
import type { Finding } from '../checks/finding.ts';
import {
  checkDownBecauseOfUs,
  checkNoneLost,
  checkScaleSetRows,
  type ScaleSetRows,
} from '../checks/scale-set-checks.ts';
import { checkUpgradeStep } from '../checks/upgrade-step-checks.ts';
import type {
  HealthState,
  InstanceUpgrade,
  OsDiskReason,
  RollingUpgradePolicy,
  RolloutPolicy,
  UpgradeBatch,
  UpgradeRunState,
} from '../model/scale-set.ts';
import { assertNever } from '../support/assert.ts';
import { planRollingUpgrade } from './rolling-upgrade/plan.ts';
import { defaultPolicy, defaultRollout, NEW, OLD, START_MS } from './rolling-upgrade/testing.ts';
import type { UpgradeInstanceView, UpgradeStep, UpgradeView } from './rolling-upgrade/view.ts';

/** How a VM fares on one version: when its OS answers (undefined: never), and what its app then is. */
export type Fate = {
  readonly bootMs: number | undefined;
  readonly health: HealthState;
  /** From the OS's answer until the probes have a result; Unknown before. */
  readonly probeMs: number;
};
export type Fates = (version: string, instanceId: string) => Fate;

export const well: Fate = { bootMs: 3000, health: 'Healthy', probeMs: 2000 };
export const sick: Fate = { bootMs: 3000, health: 'Unhealthy', probeMs: 2000 };

type Disk = { readonly diskId: string; readonly version: string };
type FleetInstance = {
  readonly instanceId: string;
  readonly disk: Disk;
  readonly previous?: Disk;
  readonly reason: OsDiskReason;
  readonly wantedSinceMs: number;
  readonly deletingSinceMs?: number;
  /** An accident: down until then, by a repair that somebody else carries out. */
  readonly repairedAtMs?: number;
};

export type Fleet = {
  readonly nowMs: number;
  readonly instances: readonly FleetInstance[];
  readonly fates: Fates;
  readonly policy: RollingUpgradePolicy;
  readonly rolloutPolicy: RolloutPolicy;
  readonly disableAutomaticRollback: boolean;
  readonly state: UpgradeRunState;
  readonly endedAtMs?: number;
  readonly cancelRequested: boolean;
  readonly batches: readonly UpgradeBatch[];
  readonly outcomes: Readonly<Record<string, InstanceUpgrade>>;
  readonly nextDisk: number;
  /** N as the batch in flight was planned with it. */
  readonly countAtBatch: number;
  readonly quarantinedSinceMs?: number;
};

export type FleetSetup = {
  readonly count: number;
  readonly fates?: Fates;
  readonly policy?: Partial<RollingUpgradePolicy>;
  readonly rolloutPolicy?: Partial<RolloutPolicy>;
  readonly disableAutomaticRollback?: boolean;
};

const DELETE_MS = 2000;
/** A repaired VM whose OS has not answered by then counts as down by itself. */
const GIVEN_UP_MS = 10_000;
const LONG_AGO_MS = 86_400_000;

export function makeFleet(setup: FleetSetup): Fleet {
  const empty: Fleet = {
    nowMs: START_MS,
    instances: [],
    fates: setup.fates ?? (() => well),
    policy: { ...defaultPolicy, ...setup.policy },
    rolloutPolicy: { ...defaultRollout, drainMs: 0, ...setup.rolloutPolicy },
    disableAutomaticRollback: setup.disableAutomaticRollback ?? false,
    state: 'RollingForward',
    cancelRequested: false,
    batches: [],
    outcomes: {},
    nextDisk: 0,
    countAtBatch: setup.count,
  };
  const old = scaleOut({ ...empty, nowMs: START_MS - LONG_AGO_MS }, setup.count, OLD);
  return { ...old, nowMs: START_MS };
}

/** What may happen to a fleet besides: people, accidents. */
export function scaleOut(fleet: Fleet, count: number, version: string): Fleet {
  const next = Math.max(-1, ...fleet.instances.map((each) => Number(each.instanceId))) + 1;
  const fresh = Array.from({ length: count }, (_, i) => ({
    instanceId: String(next + i),
    disk: { diskId: `disk-${fleet.nextDisk + i}`, version },
    reason: { kind: 'create' as const, at: isoOf(fleet.nowMs) },
    wantedSinceMs: fleet.nowMs,
  }));
  return {
    ...fleet,
    instances: [...fleet.instances, ...fresh],
    nextDisk: fleet.nextDisk + count,
  };
}

export function scaleIn(fleet: Fleet, instanceIds: readonly string[]): Fleet {
  return withInstances(fleet, instanceIds, (each) => ({ ...each, deletingSinceMs: fleet.nowMs }));
}

export function breakDown(fleet: Fleet, instanceId: string, repairMs: number): Fleet {
  const repairedAtMs = fleet.nowMs + repairMs;
  return withInstances(fleet, [instanceId], (each) => ({ ...each, repairedAtMs }));
}

export function cancel(fleet: Fleet): Fleet {
  return { ...fleet, cancelRequested: true };
}

/** Ends deletions that are over; everything else follows from the time by itself. */
export function pass(fleet: Fleet, ms: number): Fleet {
  const nowMs = fleet.nowMs + ms;
  const instances = fleet.instances.filter(
    ({ deletingSinceMs }) => deletingSinceMs === undefined || nowMs < deletingSinceMs + DELETE_MS,
  );
  return { ...fleet, nowMs, instances };
}

export function upgradeViewOf(fleet: Fleet): UpgradeView {
  return {
    now: fleet.nowMs,
    watchingSinceMs: START_MS - LONG_AGO_MS,
    targetVersion: NEW,
    instances: fleet.instances.map((instance) => instanceViewOf(fleet, instance)),
    policy: fleet.policy,
    rolloutPolicy: fleet.rolloutPolicy,
    disableAutomaticRollback: fleet.disableAutomaticRollback,
    cancelRequested: fleet.cancelRequested,
    batches: fleet.batches,
    outcomes: fleet.outcomes,
    diskSpace: { freeBytes: 2 ** 40, neededBytesPerInstance: 2 ** 30 },
  };
}

function instanceViewOf(fleet: Fleet, instance: FleetInstance): UpgradeInstanceView {
  const fate = fleet.fates(instance.disk.version, instance.instanceId);
  const repairMs = Math.min(fate.bootMs ?? GIVEN_UP_MS, GIVEN_UP_MS);
  const repairing =
    instance.repairedAtMs !== undefined && fleet.nowMs < instance.repairedAtMs + repairMs;
  const startMs = Math.max(instance.wantedSinceMs, instance.repairedAtMs ?? 0);
  const upForMs = fleet.nowMs - startMs - (fate.bootMs ?? Number.POSITIVE_INFINITY);
  const settled = !repairing && upForMs >= 0;
  return {
    instanceId: instance.instanceId,
    version: instance.disk.version,
    health: settled && upForMs >= fate.probeMs ? fate.health : 'Unknown',
    healthReason: fate.health === 'Healthy' ? 'HTTP 200 from /healthz' : 'HTTP 503 from /healthz',
    settled,
    msSinceGuestUp: settled ? upForMs : 0,
    msSinceDiskWanted: fleet.nowMs - instance.wantedSinceMs,
    repairing,
    deleting: instance.deletingSinceMs !== undefined,
  };
}

export function carryOut(fleet: Fleet, step: UpgradeStep): Fleet {
  switch (step.kind) {
    case 'wait':
      return fleet;
    case 'upgradeBatch':
      return startBatch(fleet, step.number, step.instanceIds);
    case 'accept':
      return withOutcome(fleet, step.instanceIds, 'upgraded');
    case 'restore':
      return putBack(
        withOutcome(fleet, step.instanceIds, 'restoring', step.reason),
        step.instanceIds,
      );
    case 'restored':
      return withOutcome(fleet, step.instanceIds, 'restored');
    case 'fail':
      return withOutcome(fleet, step.instanceIds, 'failed', step.reason);
    case 'endBatch': {
      const endedAt = isoOf(fleet.nowMs);
      const batches = fleet.batches.map((batch) =>
        batch.number === step.number ? { ...batch, endedAt } : batch,
      );
      return { ...fleet, batches };
    }
    case 'end': {
      const ended = { ...fleet, state: step.state, endedAtMs: fleet.nowMs };
      return step.quarantine === undefined ? ended : { ...ended, quarantinedSinceMs: fleet.nowMs };
    }
    default:
      return assertNever(step);
  }
}

function startBatch(fleet: Fleet, number: number, instanceIds: readonly string[]): Fleet {
  const at = isoOf(fleet.nowMs);
  const started = instanceIds.map((id, i): [string, InstanceUpgrade, Disk] => [
    id,
    { outcome: 'upgrading', batch: number, fromVersion: OLD, startedAt: at },
    { diskId: `disk-${fleet.nextDisk + i}`, version: NEW },
  ]);
  const disks = new Map(started.map(([id, , disk]) => [id, disk]));
  const swapped = withInstances(fleet, instanceIds, (each) =>
    swap(each, disks.get(each.instanceId) ?? each.disk, 'upgrade', fleet.nowMs),
  );
  return {
    ...swapped,
    batches: [...fleet.batches, { number, instanceIds, startedAt: at }],
    outcomes: {
      ...fleet.outcomes,
      ...Object.fromEntries(started.map(([id, record]) => [id, record])),
    },
    nextDisk: fleet.nextDisk + instanceIds.length,
    countAtBatch: fleet.instances.filter((each) => each.deletingSinceMs === undefined).length,
  };
}

function putBack(fleet: Fleet, instanceIds: readonly string[]): Fleet {
  return withInstances(fleet, instanceIds, (each) =>
    swap(each, each.previous ?? each.disk, 'restore', fleet.nowMs),
  );
}

function swap(
  instance: FleetInstance,
  disk: Disk,
  kind: OsDiskReason['kind'],
  nowMs: number,
): FleetInstance {
  const reason = { kind, fromVersion: instance.disk.version, at: isoOf(nowMs) };
  return { ...instance, disk, previous: instance.disk, reason, wantedSinceMs: nowMs };
}

function withOutcome(
  fleet: Fleet,
  instanceIds: readonly string[],
  outcome: InstanceUpgrade['outcome'],
  reason?: string,
): Fleet {
  const outcomes = { ...fleet.outcomes };
  for (const id of instanceIds) {
    const record = outcomes[id];
    if (record === undefined) throw new Error(`the run has not begun with instance ${id}`);
    outcomes[id] = { ...record, outcome, ...(reason === undefined ? {} : { reason }) };
  }
  return { ...fleet, outcomes };
}

function withInstances(
  fleet: Fleet,
  instanceIds: readonly string[],
  change: (instance: FleetInstance) => FleetInstance,
): Fleet {
  const instances = fleet.instances.map((each) =>
    instanceIds.includes(each.instanceId) ? change(each) : each,
  );
  return { ...fleet, instances };
}

function rowsOf(fleet: Fleet): ScaleSetRows {
  return {
    instances: fleet.instances.map((each) => ({
      instanceId: each.instanceId,
      vmId: `vm-${each.instanceId}`,
      wanted: each.deletingSinceMs === undefined ? 'present' : 'deleted',
      osDisk: each.disk,
      ...(each.previous === undefined ? {} : { previousOsDisk: each.previous }),
      osDiskReason: each.reason,
    })),
    statuses: fleet.instances.map((each) => {
      const { settled, health } = instanceViewOf(fleet, each);
      return {
        instanceId: each.instanceId,
        ...(settled ? { diskId: each.disk.diskId } : {}),
        health,
        balancer: settled && health === 'Healthy' ? 'ready' : 'out',
      };
    }),
    runs: [
      {
        runId: 'run',
        state: fleet.state,
        startTime: isoOf(START_MS),
        ...(fleet.endedAtMs === undefined ? {} : { endTime: isoOf(fleet.endedAtMs) }),
        batches: fleet.batches,
        instances: fleet.outcomes,
      },
    ],
    quarantines:
      fleet.quarantinedSinceMs === undefined
        ? []
        : [{ version: NEW, since: isoOf(fleet.quarantinedSinceMs) }],
  };
}

export type Tick = {
  readonly fleet: Fleet;
  readonly view: UpgradeView;
  readonly step: UpgradeStep;
};
export type Played = {
  readonly end: Fleet;
  readonly ticks: readonly Tick[];
  readonly findings: readonly Finding[];
};

/**
 * Ticks of a second by which a run must have ended. The slowest instance never boots on either disk:
 * five minutes on the new one and five on the old, one instance after the other; the rest is room.
 */
const ticksAtMost = ({ instances }: Fleet) => 600 + 900 * instances.length;

/**
 * Plays the run to its end. `happen` may change the fleet before each tick; waits last one second,
 * every other step no time at all.
 */
export function play(
  start: Fleet,
  happen: (fleet: Fleet, tick: number) => Fleet = (f) => f,
): Played {
  const ticks: Tick[] = [];
  const findings: Finding[] = [];
  let fleet = start;
  for (let tick = 0; fleet.state === 'RollingForward'; tick += 1) {
    if (tick > ticksAtMost(fleet))
      throw new Error(`no end after ${tick} ticks: ${ticks.at(-1)?.step.note}`);
    fleet = happen(fleet, tick);
    const view = upgradeViewOf(fleet);
    const step = planRollingUpgrade(view);
    ticks.push({ fleet, view, step });
    const done = carryOut(fleet, step);
    findings.push(...checkUpgradeStep(view, step), ...checkRows(fleet, done));
    fleet = step.kind === 'wait' ? pass(done, 1000) : done;
  }
  return { end: fleet, ticks, findings };
}

function checkRows(before: Fleet, after: Fleet): Finding[] {
  const rows = rowsOf(after);
  return [
    ...checkScaleSetRows(rows),
    ...checkDownBecauseOfUs(rows, after.countAtBatch, after.policy.maxBatchInstancePercent),
    ...checkNoneLost(rowsOf(before), rows),
  ];
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
