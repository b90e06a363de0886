// One pass over one scale set: observe, plan one step, write it, look again.
//
// It never touches a VM: it writes what is wanted of each instance, and the reconcilers of the
// instances make it so. It is the only writer of instance and run rows of its set.
import { endOperation } from '../../operations/operations.ts';
import { removeResource } from '../../operations/remove-resource.ts';
import { planRollingUpgrade } from '../../planning/rolling-upgrade/plan.ts';
import { planScaleSet } from '../../planning/scale-set/plan.ts';
import type { ScaleSetStep } from '../../planning/scale-set/view.ts';
import type { Write } from '../../store/store.ts';
import { assert, assertNever } from '../../support/assert.ts';
import { type Clock, isoTime } from '../../support/clock.ts';
import type { Ids } from '../../support/ids.ts';
import type { PassResult } from '../work-queue.ts';
import {
  addInstances,
  findVersion,
  forgetInstances,
  osDiskOf,
  removeInstances,
} from './instances.ts';
import { observeScaleSet, type ScaleSetObserveDependencies, type SeenScaleSet } from './observe.ts';
import { operationWrites } from './operations.ts';
import { upgradeWrites, type WriteContext } from './upgrade-writes.ts';
import { scaleSetView, upgradeView } from './views.ts';

export type ScaleSetDependencies = ScaleSetObserveDependencies & {
  readonly clock: Clock;
  readonly ids: Ids;
  /** When this control plane began to observe: limits never count time it was away. */
  readonly watchingSinceMs: number;
  readonly diskSpace: () => Promise<{ freeBytes: number }>;
};

/** A wait that names no time is looked at again after this; events usually come first. */
const BACKSTOP_MS = 1_000;

export async function reconcileScaleSet(
  key: string,
  deps: ScaleSetDependencies,
): Promise<PassResult> {
  const seen = await observeScaleSet(key, deps);
  if (seen === undefined) return {};
  const context = { now: deps.clock.now(), ids: deps.ids };
  // Past runs only say whether the next one must wait; history has no limit, so look when it matters.
  const ended =
    seen.run === undefined ? await deps.store.list('run', { parent: key, type: 'ended' }) : [];
  const view = scaleSetView(
    seen,
    ended.map((run) => run.body),
    context.now,
  );
  const scale = planScaleSet(view);
  const { writes, againInMs } = await firstWrites(scale, seen, context, deps);
  if (writes.length > 0) {
    await deps.store.commit(writes);
    return { againInMs: 0 };
  }
  return againInMs === undefined ? {} : { againInMs };
}

type Planned = { readonly writes: readonly Write[]; readonly againInMs?: number };

/** Capacity first, then what people asked for, then the upgrade in progress. */
async function firstWrites(
  scale: ScaleSetStep,
  seen: SeenScaleSet,
  context: WriteContext,
  deps: ScaleSetDependencies,
): Promise<Planned> {
  const scaling = await scaleWrites(scale, seen, context, deps);
  if (scaling.length > 0) return { writes: scaling };
  const asked = operationWrites(seen, context);
  if (asked.length > 0) return { writes: asked };
  if (seen.run === undefined) return { writes: [], ...again(scale, seen, context.now) };
  const { freeBytes } = await deps.diskSpace();
  const { now } = context;
  const { watchingSinceMs } = deps;
  const step = planRollingUpgrade(
    upgradeView(seen, seen.run.body, { now, watchingSinceMs, freeBytes }),
  );
  const writes = upgradeWrites(step, seen, seen.run, context);
  const untilMs = step.kind === 'wait' ? step.untilMs : undefined;
  return { writes, againInMs: waitMs(untilMs, now) };
}

function again(scale: ScaleSetStep, seen: SeenScaleSet, now: number): { againInMs?: number } {
  if (scale.kind === 'wait' && scale.untilMs !== undefined && Number.isFinite(scale.untilMs)) {
    return { againInMs: waitMs(scale.untilMs, now) };
  }
  return seen.operations.length > 0 ? { againInMs: BACKSTOP_MS } : {};
}

function waitMs(untilMs: number | undefined, now: number): number {
  return untilMs === undefined ? BACKSTOP_MS : Math.max(10, Math.min(untilMs - now, 60_000));
}

async function scaleWrites(
  step: ScaleSetStep,
  seen: SeenScaleSet,
  context: WriteContext,
  deps: ScaleSetDependencies,
): Promise<Write[]> {
  switch (step.kind) {
    case 'none':
    case 'wait':
      return [];
    case 'addInstances':
      return addInstances(seen, step.instanceIds, step.version, context);
    case 'removeInstances':
      return removeInstances(seen, step.instanceIds);
    case 'forgetInstances':
      return forgetInstances(seen, step.instanceIds);
    case 'startUpgrade':
      return [startRun(step, seen, context)];
    case 'forgetScaleSet':
      return [
        ...(await removeResource(deps.store, seen.key)),
        ...seen.operations.map((operation) =>
          endOperation(operation, outcomeOfDelete(operation.body.kind), context.now),
        ),
      ];
    default:
      return assertNever(step);
  }
}

function outcomeOfDelete(kind: string) {
  if (kind === 'scaleSet.delete') return { status: 'Succeeded' as const };
  const message = 'The scale set was deleted while this operation was in progress.';
  return { status: 'Canceled' as const, error: { code: 'OperationCanceled', message } };
}

function startRun(
  step: Extract<ScaleSetStep, { kind: 'startUpgrade' }>,
  seen: SeenScaleSet,
  { now, ids }: WriteContext,
): Write {
  const version = findVersion(seen, step.version);
  assert(version, `version ${step.version} is not in the store`);
  const disk = osDiskOf(version, 'unused');
  const { model } = seen.set;
  const at = isoTime(now);
  const runId = `run-${ids.short(12)}`;
  return {
    put: 'run',
    key: runId,
    parent: seen.key,
    type: 'active',
    expect: 'absent',
    body: {
      runId,
      scaleSetId: model.id,
      startedBy: step.startedBy,
      state: 'RollingForward',
      targetVersion: step.version,
      targetVersionId: disk.versionId,
      targetImage: disk.image,
      targetTags: disk.versionTags,
      policy: model.rollingUpgradePolicy,
      rolloutPolicy: model.rolloutPolicy,
      disableAutomaticRollback: model.disableAutomaticRollback,
      startTime: at,
      lastAction: 'Start',
      lastActionTime: at,
      cancelRequested: false,
      batches: [],
      instances: {},
      pendingInstanceIds: [],
      reason: step.note,
    },
  };
}
