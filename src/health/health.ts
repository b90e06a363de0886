// The health port: probes turned into observations. Reconcilers say what to watch and read it.
import type { HealthProbe, HealthState } from '../model/scale-set.ts';

export type HealthTarget = {
  /** Unique per running VM process: a restarted VM is a new target and begins at Unknown. */
  readonly targetId: string;
  readonly vmId: string;
  readonly probe: HealthProbe;
  /** Where an http(s) probe goes; tcp probes run inside the guest. */
  readonly endpoint?: { readonly host: string; readonly port: number };
};

export type HealthObservation = {
  readonly state: HealthState;
  /** ms since the epoch. */
  readonly since: number;
  /** What the last probe got, e.g. `HTTP 503 from /healthz` or `no answer in 2 s`. */
  readonly reason: string;
};

export interface HealthMonitor {
  /** Idempotent: begins to watch, or goes on. */
  watch(target: HealthTarget): void;
  forget(targetId: string): void;
  /** Unknown until enough probes have answered. */
  observe(targetId: string): HealthObservation;
  onChange(listener: (targetId: string) => void): () => void;
  close(): void;
}
