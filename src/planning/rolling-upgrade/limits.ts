// Time limits of a rolling upgrade, with the source of each number. Pure.
import type { RolloutPolicy } from '../../model/scale-set.ts';

/**
 * How long a swap may take from the power-off on until the guest's OS answers, at least. Azure gives
 * an instance five minutes to become healthy and names no limit for the boot itself; we use the same.
 */
const BOOT_LIMIT_MS = 5 * 60_000;

/** Azure's longest grace period of rich health: `Initializing` has ended by then. */
export const INITIALIZING_LIMIT_MS = 4 * 3_600_000;

/** From the moment a disk is wanted until the OS on it must have answered: the drain counts too. */
export function swapLimitMs(policy: RolloutPolicy): number {
  return policy.drainMs + Math.max(BOOT_LIMIT_MS, policy.healthTimeoutMs);
}
