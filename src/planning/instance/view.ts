// What the planner of one instance sees and what it may answer. Types only.
import type { HealthState } from '../../model/scale-set.ts';

export type InstanceView = {
  readonly now: number;
  readonly wanted: 'present' | 'deleted';
  readonly wantedDiskId: string;
  /** The VM as the engine shows it. */
  readonly vm:
    | { readonly power: 'absent' }
    | {
        readonly power: 'running' | 'stopped';
        readonly diskId: string;
        readonly diskIds: readonly string[];
        readonly startedAtMs?: number;
      };
  /** OS disks that are still a way back; others are to be discarded. */
  readonly keptDiskIds: readonly string[];
  /** The guest answered since this start, with this disk. */
  readonly guestUp: boolean;
  readonly health: HealthState;
  /** Its place in each frontend's pool. Empty when the set has no balancer. */
  readonly backends: readonly {
    readonly frontendId: string;
    readonly state: 'none' | 'ready' | 'draining' | 'out';
    readonly openConnections: number;
    /** The backend points at the endpoint of the VM's running process. */
    readonly currentEndpoint: boolean;
  }[];
  readonly drainStartedAtMs?: number;
  readonly drainMs: number;
  /** How many times the VM ended by itself shortly after its start, and when it last ended. */
  readonly failedStarts: number;
  readonly lastFailedStartMs?: number;
};

/** Each step carries one sentence for people. */
export type InstanceStep = { readonly note: string } & (
  | { readonly kind: 'none' } // as wanted
  | { readonly kind: 'create' }
  | { readonly kind: 'start' }
  /** Leave every frontend: no new connections. */
  | { readonly kind: 'drain'; readonly frontendIds: readonly string[] }
  /** Out of the pool at once: the VM is gone or must not be sent anything. */
  | { readonly kind: 'takeOut'; readonly frontendIds: readonly string[] }
  | { readonly kind: 'powerOff' }
  /** Give the powered-off VM the wanted disk. */
  | { readonly kind: 'reimage' }
  | { readonly kind: 'putIn'; readonly frontendIds: readonly string[] }
  | { readonly kind: 'discardDisk'; readonly diskId: string }
  | { readonly kind: 'delete' }
  | {
      readonly kind: 'wait';
      readonly for: 'drain' | 'boot' | 'health' | 'backoff';
      readonly untilMs?: number;
    }
);
