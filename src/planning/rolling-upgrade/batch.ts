// How large a batch may be and who is in it. Pure.
import type { RollingUpgradePolicy } from '../../model/scale-set.ts';
import type { UpgradeInstanceView } from './view.ts';

/**
 * Instances that may be down because of us at once: the floor of the percentage, yet at least one,
 * for a fleet of three at 20 % must still move. 10 at 20 % = 2; 14 at 20 % = 2; 3 at 20 % = 1.
 */
export function batchLimit(instanceCount: number, maxBatchInstancePercent: number): number {
  return Math.max(1, Math.floor((instanceCount * maxBatchInstancePercent) / 100));
}

/** Instance ids are numbers written as text; anything else sorts after them, as text. */
export function compareInstanceIds(a: string, b: string): number {
  const difference = Number(a) - Number(b);
  return Number.isNaN(difference) || difference === 0 ? a.localeCompare(b) : difference;
}

export type BatchChoice = {
  /** In ascending order of instance id, unhealthy ones first when the policy says so. */
  readonly pending: readonly UpgradeInstanceView[];
  readonly instanceCount: number;
  /** Down because of us already: repairs, restarts, scale-in. */
  readonly downIds: ReadonlySet<string>;
  /** Not healthy now, whatever the reason; instances under repair included. */
  readonly unhealthyIds: ReadonlySet<string>;
  readonly policy: RollingUpgradePolicy;
};

/**
 * The instances of the next batch; none when those that are down already use up the limit.
 *
 * Unhealthy instances outside the batch shrink it, so that at most `maxUnhealthyInstancePercent` of
 * the set are out of service at once, where that leaves at least one: 10 instances at 20/20 with one
 * unhealthy elsewhere get a batch of 1. An instance that is unhealthy anyway costs nothing more.
 */
export function chooseBatch(choice: BatchChoice): readonly UpgradeInstanceView[] {
  const { instanceCount, policy } = choice;
  const mayBeDown = batchLimit(instanceCount, policy.maxBatchInstancePercent);
  const mayBeUnhealthy = Math.floor((instanceCount * policy.maxUnhealthyInstancePercent) / 100);
  const down = new Set(choice.downIds);
  const outOfService = new Set(choice.unhealthyIds);
  const batch: UpgradeInstanceView[] = [];
  for (const instance of choice.pending) {
    down.add(instance.instanceId);
    outOfService.add(instance.instanceId);
    if (down.size > mayBeDown) break;
    if (outOfService.size > mayBeUnhealthy && batch.length > 0) break;
    batch.push(instance);
  }
  return batch;
}

/** Who is asked first: by instance id, unhealthy ones before all others only when asked for. */
export function inUpgradeOrder(
  pending: readonly UpgradeInstanceView[],
  unhealthyIds: ReadonlySet<string>,
  policy: RollingUpgradePolicy,
): readonly UpgradeInstanceView[] {
  const rank = (instance: UpgradeInstanceView) =>
    policy.prioritizeUnhealthyInstances && unhealthyIds.has(instance.instanceId) ? 0 : 1;
  return pending.toSorted(
    (a, b) => rank(a) - rank(b) || compareInstanceIds(a.instanceId, b.instanceId),
  );
}
