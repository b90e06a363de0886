// One pass over one instance: observe, plan one step, record it, do it, look again.
import { planInstance } from '../../planning/instance/plan.ts';
import type { InstanceStep } from '../../planning/instance/view.ts';
import type { Put, Store, Write } from '../../store/store.ts';
import type { Clock } from '../../support/clock.ts';
import { scaleSetKeyOf, TYPES } from '../keys.ts';
import type { PassResult } from '../work-queue.ts';
import { type ExecuteDependencies, executeInstanceStep } from './execute.ts';
import { type ObserveDependencies, observeInstance, type SeenInstance } from './observe.ts';
import { endedSwap, nextStatus } from './status.ts';

export type InstanceDependencies = ObserveDependencies &
  ExecuteDependencies & { readonly store: Store; readonly clock: Clock };

/** How often a wait is looked at again when no event is due to end it. */
const LOOK_AGAIN_MS = {
  /** Open connections are only seen by asking. */
  drain: 50,
  /** The guest's first answer is only seen by asking. */
  boot: 100,
  /** The health monitor calls back; this is the backstop. */
  health: 2_000,
  backoff: 1_000,
} as const;

export async function reconcileInstance(
  key: string,
  deps: InstanceDependencies,
): Promise<PassResult> {
  const seen = await observeInstance(key, deps.clock.now(), deps);
  if (seen === undefined) return {};
  const step = planInstance(seen.view);
  await record(seen, step, deps.store);
  try {
    await executeInstanceStep(step, seen, deps);
  } catch (error) {
    await recordFailure(key, error, deps.store);
    throw error;
  }
  return nextLook(step, deps.clock.now());
}

/** State is written before the act: after a crash the next pass knows what may have begun. */
async function record(seen: SeenInstance, step: InstanceStep, store: Store): Promise<void> {
  const body = nextStatus(seen, step);
  const report = endedSwap(seen, step);
  const writes: Write[] = [];
  const finished = report !== undefined && step.kind === 'none';
  const { swap: _ended, ...withoutSwap } = body;
  const status = finished ? withoutSwap : body;
  if (JSON.stringify(status) !== JSON.stringify(seen.status?.body)) {
    writes.push({
      put: 'instanceStatus',
      key: seen.key,
      parent: scaleSetKeyOf(seen.key),
      type: '',
      body: status,
    });
  }
  if (report !== undefined) {
    const put: Put<'resource'> = {
      put: 'resource',
      key: report.id.toLowerCase(),
      parent: scaleSetKeyOf(seen.key),
      type: TYPES.swapReport,
      body: report,
    };
    writes.push(put);
  }
  if (writes.length > 0) await store.commit(writes);
}

async function recordFailure(key: string, error: unknown, store: Store): Promise<void> {
  const status = await store.get('instanceStatus', key);
  if (status === undefined) return;
  const message = error instanceof Error ? error.message : String(error);
  if (status.body.error === message) return;
  const body = { ...status.body, error: message };
  await store.commit([{ put: 'instanceStatus', key, parent: status.parent, type: '', body }]);
}

function nextLook(step: InstanceStep, now: number): PassResult {
  if (step.kind === 'none') return {};
  if (step.kind !== 'wait') return { againInMs: 0 };
  const backstop = LOOK_AGAIN_MS[step.for];
  return {
    againInMs:
      step.untilMs === undefined ? backstop : Math.max(0, Math.min(backstop, step.untilMs - now)),
  };
}
