// What one instance counts as: healthy, unhealthy, or not decided yet. Pure.
//
// Unknown is not healthy. It is not unhealthy at once either: a VM that has just started, and every
// VM after a restart of the control plane, is Unknown until its probes have answered. Each wait for
// a verdict has a limit, so that no upgrade waits for ever.
import { INITIALIZING_LIMIT_MS, swapLimitMs } from './limits.ts';
import type { UpgradeInstanceView, UpgradeView } from './view.ts';

export type Verdict =
  | { readonly kind: 'healthy' }
  | { readonly kind: 'unhealthy' }
  /** Without `untilMs` while a repair is in flight: whoever repairs it ends that. */
  | { readonly kind: 'undecided'; readonly untilMs?: number };

/** Where it stands with the disk wanted for it now. */
export function judge(instance: UpgradeInstanceView, view: UpgradeView): Verdict {
  if (instance.settled && instance.health === 'Healthy') return { kind: 'healthy' };
  if (instance.settled && instance.health === 'Unhealthy') return { kind: 'unhealthy' };
  if (instance.repairing) return { kind: 'undecided' };
  const left = timeLeftMs(instance, view);
  return left > 0 ? { kind: 'undecided', untilMs: view.now + left } : { kind: 'unhealthy' };
}

/** How long it may still take to become Healthy; 0 or less when the time is over. */
export function timeLeftMs(instance: UpgradeInstanceView, view: UpgradeView): number {
  if (!instance.settled) {
    return swapLimitMs(view.rolloutPolicy) - watchedMs(instance.msSinceDiskWanted, view);
  }
  const limit =
    instance.health === 'Initializing' ? INITIALIZING_LIMIT_MS : view.rolloutPolicy.healthTimeoutMs;
  return limit - watchedMs(instance.msSinceGuestUp, view);
}

/** Nobody watched before the control plane was there: that time is held against no instance. */
function watchedMs(elapsedMs: number, view: UpgradeView): number {
  return Math.min(elapsedMs, view.now - view.watchingSinceMs);
}
