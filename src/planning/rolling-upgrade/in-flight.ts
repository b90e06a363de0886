// The questions about the batch in flight: who is done, who has had enough time, who is lost. Pure.
import type { Attempt, Buckets } from './buckets.ts';
import { INITIALIZING_LIMIT_MS, swapLimitMs } from './limits.ts';
import { names, seconds, until } from './sentences.ts';
import { timeLeftMs } from './verdict.ts';
import type { UpgradeStep, UpgradeView } from './view.ts';

/** Nothing can be put back on an instance that is not there. */
export function askLost(_view: UpgradeView, { lostIds }: Buckets): UpgradeStep | undefined {
  if (lostIds.length === 0) return undefined;
  const reason = 'it was deleted while its swap was in flight';
  return {
    kind: 'fail',
    instanceIds: lostIds,
    reason,
    note: `Nothing more to do for ${names(lostIds)}: ${reason}.`,
  };
}

export function askHealthy(view: UpgradeView, { upgrading }: Buckets): UpgradeStep | undefined {
  const healthy = upgrading.filter(({ verdict }) => verdict.kind === 'healthy');
  if (healthy.length === 0) return undefined;
  const ids = idsOf(healthy);
  return {
    kind: 'accept',
    instanceIds: ids,
    note: `Healthy on ${view.targetVersion}: ${names(ids)}.`,
  };
}

/** One instance a step: each has a reason of its own. Unhealthy may still turn Healthy in time. */
export function askNotHealthyInTime(
  view: UpgradeView,
  { upgrading }: Buckets,
): UpgradeStep | undefined {
  const late = upgrading.find(({ instance }) => timeLeftMs(instance, view) <= 0);
  if (late === undefined) return undefined;
  const { instanceId } = late.instance;
  const reason = lateReason(late, view);
  if (view.disableAutomaticRollback) {
    return {
      kind: 'fail',
      instanceIds: [instanceId],
      reason,
      note: `Instance ${instanceId} failed on ${view.targetVersion} and stays there, for disableAutomaticRollback is true: ${reason}.`,
    };
  }
  return {
    kind: 'restore',
    instanceIds: [instanceId],
    reason,
    note: `Instance ${instanceId} gets its previous OS disk (${late.record.fromVersion}) back: ${reason}.`,
  };
}

/**
 * Its previous disk runs again. Healthy is hoped for, not asked for: what was unhealthy before the
 * run began is as it was, and nothing is left that this run could do for it.
 */
export function askBackOnPreviousDisk(
  view: UpgradeView,
  { restoring }: Buckets,
): UpgradeStep | undefined {
  const back = restoring.filter(
    ({ instance, verdict }) =>
      instance.settled && (verdict.kind === 'healthy' || timeLeftMs(instance, view) <= 0),
  );
  if (back.length === 0) return undefined;
  const ids = idsOf(back);
  const healthy = back.filter(({ verdict }) => verdict.kind === 'healthy').length;
  return {
    kind: 'restored',
    instanceIds: ids,
    note: `Back on the previous OS disk: ${names(ids)}, ${healthy} of ${ids.length} healthy.`,
  };
}

export function askNeverBack(view: UpgradeView, { restoring }: Buckets): UpgradeStep | undefined {
  const never = restoring.filter(({ instance }) => timeLeftMs(instance, view) <= 0);
  if (never.length === 0) return undefined;
  const ids = idsOf(never);
  const reason =
    `its OS did not answer within ${seconds(swapLimitMs(view.rolloutPolicy))} ` +
    'after its previous disk was put back';
  return { kind: 'fail', instanceIds: ids, reason, note: `Failed: ${names(ids)}: ${reason}.` };
}

/** One batch at a time: as long as anything is in flight, nothing else is asked. */
export function askStillInFlight(
  view: UpgradeView,
  { upgrading, restoring }: Buckets,
): UpgradeStep | undefined {
  const all = [...restoring, ...upgrading];
  if (all.length === 0) return undefined;
  const untilMs = Math.min(...all.map(({ instance }) => view.now + timeLeftMs(instance, view)));
  const time = until(untilMs);
  if (restoring.length > 0) {
    return {
      kind: 'wait',
      for: 'restore',
      untilMs,
      note: `The previous OS disk is being put back on ${names(idsOf(restoring))}, ${time}.`,
    };
  }
  const swapping = upgrading.filter(({ instance }) => !instance.settled);
  if (swapping.length > 0) {
    return {
      kind: 'wait',
      for: 'swap',
      untilMs,
      note: `OS disk swap of ${names(idsOf(swapping))} to ${view.targetVersion}, ${time}.`,
    };
  }
  const states = new Set(upgrading.map(({ instance }) => instance.health));
  return {
    kind: 'wait',
    for: 'health',
    untilMs,
    note: `Waits for health of ${names(idsOf(upgrading))} (${[...states].join(', ')}), ${time} at most: healthTimeout ${seconds(view.rolloutPolicy.healthTimeoutMs)}.`,
  };
}

function lateReason({ instance }: Attempt, view: UpgradeView): string {
  if (!instance.settled) {
    return `its OS did not answer within ${seconds(swapLimitMs(view.rolloutPolicy))} after its swap began`;
  }
  const limit =
    instance.health === 'Initializing' ? INITIALIZING_LIMIT_MS : view.rolloutPolicy.healthTimeoutMs;
  return `not Healthy ${seconds(limit)} after its OS answered but ${instance.health}: ${instance.healthReason}`;
}

function idsOf(attempts: readonly Attempt[]): string[] {
  return attempts.map(({ instance }) => instance.instanceId);
}
