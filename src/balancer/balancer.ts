// The balancer port: frontends with their backends, each ready, draining or out.
import type { Frontend } from '../model/scale-set.ts';

export type BackendState = 'ready' | 'draining' | 'out';

export type BackendObservation = {
  readonly frontendId: string;
  readonly instanceKey: string;
  readonly state: BackendState;
  readonly endpoint?: { readonly host: string; readonly port: number };
  readonly openConnections: number;
};

export type FrontendSpec = Frontend & {
  /** HTTP path the balancer itself checks; http mode only. */
  readonly checkPath?: string;
};

export interface Balancer {
  /** The whole list of frontends wanted. Idempotent; open connections of kept ones survive. */
  ensureFrontends(frontends: readonly FrontendSpec[]): Promise<void>;
  /** Gives an instance its place in a frontend's pool. `ready` needs an endpoint. */
  setBackend(
    frontendId: string,
    instanceKey: string,
    state: BackendState,
    endpoint?: { host: string; port: number },
  ): Promise<void>;
  removeBackend(frontendId: string, instanceKey: string): Promise<void>;
  observe(frontendId: string): Promise<readonly BackendObservation[]>;
  /** Stops observing; the balancer's own process goes on running. */
  close(): Promise<void>;
  /** Stops the balancer's process as well (`rollset down`). */
  shutdown(): Promise<void>;
}

/** A balancer verb failed; the sentence says what was attempted, on which frontend, and why. */
export class BalancerError extends Error {
  override readonly name = 'BalancerError';
}
