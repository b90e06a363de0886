// Judges a row of probe results: pure. The Application Health extension's binary states (1.0), with
// one addition of ours: a target that has never been healthy is probed often.
import type { HealthProbe, HealthState } from '../model/scale-set.ts';
import type { HealthObservation } from './health.ts';

/** While a VM starts, probes and not boots would otherwise decide how long a roll-out takes. */
export const INITIALIZING_INTERVAL_MS = 250;
/** Azure's fixed wait for health; what is not healthy by then is not about to be. */
export const INITIALIZING_LIMIT_MS = 5 * 60_000;
/** A probe that waits longer says the same as one that was refused. */
export const PROBE_TIMEOUT_MS = 2_000;
/**
 * A connection opened before the guest listens is accepted by user networking and then silent for
 * ever, so a long wait on it only delays the probe that would succeed.
 */
export const INITIALIZING_TIMEOUT_MS = 500;
/** Every so many early probes one waits in full, so that a slow app is found healthy too. */
export const PATIENT_EVERY = 4;

export type ProbeResult = { readonly healthy: boolean; readonly reason: string };
export type HealthPolicy = Pick<HealthProbe, 'intervalMs' | 'numberOfProbes'>;

/** What is known of one target. */
export type HealthTrack = HealthObservation & {
  readonly watchedSince: number;
  readonly everHealthy: boolean;
  readonly probes: number;
  /** Equal results in a row, the last one included, and when the first of them came. */
  readonly streak: { readonly healthy: boolean; readonly count: number; readonly since: number };
};

export function beginTrack(now: number): HealthTrack {
  return {
    state: 'Unknown',
    since: now,
    reason: 'not yet probed',
    watchedSince: now,
    everHealthy: false,
    probes: 0,
    streak: { healthy: false, count: 0, since: now },
  };
}

/** The track after one more result. */
export function nextHealth(
  track: HealthTrack,
  result: ProbeResult,
  policy: HealthPolicy,
  now: number,
): HealthTrack {
  const goesOn = track.streak.count > 0 && track.streak.healthy === result.healthy;
  const streak = goesOn
    ? { ...track.streak, count: track.streak.count + 1 }
    : { healthy: result.healthy, count: 1, since: now };
  const state = decides(track, streak, policy, now) ? stateOf(result) : track.state;
  return {
    state,
    since: state === track.state ? track.since : now,
    reason: result.reason,
    watchedSince: track.watchedSince,
    everHealthy: track.everHealthy || state === 'Healthy',
    probes: track.probes + 1,
    streak,
  };
}

const stateOf = (result: ProbeResult): HealthState => (result.healthy ? 'Healthy' : 'Unhealthy');

function decides(
  track: HealthTrack,
  streak: HealthTrack['streak'],
  policy: HealthPolicy,
  now: number,
): boolean {
  if (streak.count < policy.numberOfProbes) return false;
  // Frequent probes bring good news early. Bad news takes as long as the settings say
  // (Azure's default grace period: interval × probes), or every boot would begin Unhealthy.
  const early = track.state === 'Unknown' && !streak.healthy;
  return !early || now - track.watchedSince >= policy.intervalMs * policy.numberOfProbes;
}

/** When to probe next, counted from the end of the last probe, and how long to wait for it. */
export function nextProbe(
  track: HealthTrack,
  policy: HealthPolicy,
  now: number,
): { delayMs: number; timeoutMs: number } {
  const patientMs = Math.min(policy.intervalMs, PROBE_TIMEOUT_MS);
  const initializing = !track.everHealthy && now - track.watchedSince < INITIALIZING_LIMIT_MS;
  if (!initializing) return { delayMs: policy.intervalMs, timeoutMs: patientMs };
  const delayMs = track.probes === 0 ? 0 : Math.min(policy.intervalMs, INITIALIZING_INTERVAL_MS);
  const patient = track.streak.healthy || track.probes % PATIENT_EVERY === PATIENT_EVERY - 1;
  return { delayMs, timeoutMs: patient ? patientMs : Math.min(patientMs, INITIALIZING_TIMEOUT_MS) };
}
