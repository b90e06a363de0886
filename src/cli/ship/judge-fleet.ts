// Decides whether a fleet has reached a version, never will, or is still on its way. Pure.
import { formatDuration } from '../pipeline/units.ts';
import { healthyOn, reasonOf } from '../fleet/render.ts';
import { presentInstances } from '../fleet/status.ts';
import type { FleetStatus } from '../fleet/status.ts';
import { BOOT_ALLOWANCE_MS, ROLLOUT_STALL_MS } from './limits.ts';

export type FleetVerdict =
  | { readonly kind: 'wait' }
  /** Every instance is Healthy on the version. */
  | { readonly kind: 'reached' }
  /** Rolled back, faulted, or never healthy. */
  | { readonly kind: 'stopped'; readonly sentence: string; readonly touched: boolean }
  /** The roll-out neither ends nor moves. */
  | { readonly kind: 'stuck'; readonly sentence: string };

export type FleetGoal = { readonly version: string; readonly healthTimeoutMs: number };

/** What the last look remembered: the best count so far, and when it or the run last changed. */
export type FleetProgress = { readonly mark: string; readonly best: number; readonly at: number };

export const NO_PROGRESS: FleetProgress = { mark: '', best: -1, at: 0 };

/**
 * Progress is a new highest number of healthy instances, another disk, or a step of the run: an
 * instance that only flaps makes none.
 */
export function noteProgress(
  before: FleetProgress,
  status: FleetStatus,
  goal: FleetGoal,
  now: number,
): FleetProgress {
  const best = Math.max(before.best, healthyOn(status, goal.version));
  const run = status.run?.targetVersion === goal.version ? status.run : undefined;
  const mark = JSON.stringify([
    status.instances.map(({ instanceId, diskId }) => [instanceId, diskId]),
    run?.runId,
    run?.state,
    run?.batches.length,
    Object.values(run?.instances ?? {}).map(({ outcome }) => outcome),
  ]);
  const isNews = before.at === 0 || best > before.best || mark !== before.mark;
  return { mark, best, at: isNews ? now : before.at };
}

export function judgeFleet(
  status: FleetStatus,
  goal: FleetGoal,
  progress: FleetProgress,
  now: number,
): FleetVerdict {
  const { version } = goal;
  const run = status.run?.targetVersion === version ? status.run : undefined;
  const idleMs = now - progress.at;
  if (run?.state === 'RollingForward') {
    const limit = goal.healthTimeoutMs * 2 + ROLLOUT_STALL_MS;
    if (idleMs < limit) return { kind: 'wait' };
    const sentence = `the roll-out of ${version} has not moved for ${formatDuration(limit)}: ${run.reason || 'it gives no reason'}`;
    return { kind: 'stuck', sentence };
  }
  const healthy = healthyOn(status, version);
  const isWhole = presentInstances(status).length === status.capacity;
  if (isWhole && healthy === status.capacity) return { kind: 'reached' };
  const isRestoring = Object.values(run?.instances ?? {}).some(
    ({ outcome }) => outcome === 'restoring' || outcome === 'upgrading',
  );
  if (isRestoring && idleMs < ROLLOUT_STALL_MS) return { kind: 'wait' };
  const end = endOf(status, goal, run);
  if (end !== undefined) {
    const touched = Object.keys(run?.instances ?? {}).length > 0;
    return { kind: 'stopped', sentence: end, touched };
  }
  const limit = goal.healthTimeoutMs + BOOT_ALLOWANCE_MS;
  if (idleMs < limit) return { kind: 'wait' };
  const sick = presentInstances(status)
    .filter((each) => each.health !== 'Healthy' || each.version !== version)
    .map((each) => `${each.name}: ${reasonOf(each) || `on ${each.version ?? 'no version'}`}`);
  const sentence = `${healthy} of ${status.capacity} instances are Healthy on ${version}, and no more have become so for ${formatDuration(limit)}; ${sick.slice(0, 3).join('; ')}`;
  return { kind: 'stopped', sentence, touched: true };
}

function endOf(
  status: FleetStatus,
  { version }: FleetGoal,
  run: FleetStatus['run'],
): string | undefined {
  const outcomes = Object.values(run?.instances ?? {});
  const restored = outcomes.filter(({ outcome }) => outcome === 'restored').length;
  const failed = outcomes.filter(({ outcome }) => outcome === 'failed').length;
  const counts = `${restored} restored, ${failed} failed`;
  if (run?.state === 'Faulted') {
    const why = run.error ? `${run.error.message} (${run.error.code})` : run.reason;
    return `the roll-out of ${version} stopped, ${counts}: ${why}`;
  }
  if (run?.state === 'Cancelled') return `the roll-out of ${version} was cancelled, ${counts}`;
  if (run?.state === 'Completed' && restored + failed > 0) {
    return `the roll-out of ${version} ended with ${counts}: ${outcomes.find(({ reason }) => reason)?.reason ?? run.reason}`;
  }
  const loss = status.versions.losers.find(({ name }) => name === version);
  return loss === undefined ? undefined : `the fleet does not take ${version}: ${loss.sentence}`;
}
