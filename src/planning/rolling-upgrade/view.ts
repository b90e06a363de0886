// What the rolling-upgrade planner sees and what it may answer. Types only.
import type {
  HealthState,
  InstanceUpgrade,
  RollingUpgradePolicy,
  RolloutPolicy,
  UpgradeBatch,
} from '../../model/scale-set.ts';

export type UpgradeInstanceView = {
  readonly instanceId: string;
  /** Version of the OS disk wanted for it now. */
  readonly version: string;
  readonly health: HealthState;
  readonly healthReason: string;
  /** True once the VM runs the wanted disk and its OS has answered. */
  readonly settled: boolean;
  /** Since the OS answered on the wanted disk; 0 while not settled. */
  readonly msSinceGuestUp: number;
  /** Since the disk wanted now became wanted (`InstanceRow.osDiskReason.at`). */
  readonly msSinceDiskWanted: number;
  /**
   * Down because of us though not of this run: a reimage, repair or restart in flight, until its OS
   * has answered again. False once several starts in a row have failed, or one has taken longer than
   * a boot may: then it is down by itself, and the run must not wait for it for ever.
   */
  readonly repairing: boolean;
  /** Being scaled in. */
  readonly deleting: boolean;
};

export type UpgradeView = {
  readonly now: number;
  /**
   * When this control plane began to watch the set. Time limits count from here at the earliest:
   * after a restart health is Unknown for a moment, and no instance is to blame for our absence.
   */
  readonly watchingSinceMs: number;
  readonly targetVersion: string;
  /** Every instance of the set, deleting ones included, in any order. */
  readonly instances: readonly UpgradeInstanceView[];
  readonly policy: RollingUpgradePolicy;
  readonly rolloutPolicy: RolloutPolicy;
  readonly disableAutomaticRollback: boolean;
  readonly cancelRequested: boolean;
  readonly batches: readonly UpgradeBatch[];
  /** By instance id: what this run did with it so far. */
  readonly outcomes: Readonly<Record<string, InstanceUpgrade>>;
  readonly diskSpace: { readonly freeBytes: number; readonly neededBytesPerInstance: number };
};

/** Why the run waits. One word per reason, so that tests and `explain` can name it. */
export type UpgradeWaitReason = 'swap' | 'health' | 'restore' | 'pause' | 'budget';

/** Each step carries one sentence with the numbers and the limit. */
export type UpgradeStep = { readonly note: string } & (
  | { readonly kind: 'wait'; readonly for: UpgradeWaitReason; readonly untilMs?: number }
  | {
      readonly kind: 'upgradeBatch';
      readonly number: number;
      readonly instanceIds: readonly string[];
    }
  /** Healthy on the new disk. */
  | { readonly kind: 'accept'; readonly instanceIds: readonly string[] }
  /** Not healthy in time: put the previous OS disk back. */
  | { readonly kind: 'restore'; readonly instanceIds: readonly string[]; readonly reason: string }
  /** Not healthy in time, and automatic rollback is off, or the instance went away. */
  | { readonly kind: 'fail'; readonly instanceIds: readonly string[]; readonly reason: string }
  /** Back on the previous disk and up. */
  | { readonly kind: 'restored'; readonly instanceIds: readonly string[] }
  | { readonly kind: 'endBatch'; readonly number: number }
  | {
      readonly kind: 'end';
      readonly state: 'Completed' | 'Faulted' | 'Cancelled';
      readonly error?: { readonly code: UpgradeStopCode; readonly message: string };
      /** Present when the version itself is to blame: it is not to be started on this set again. */
      readonly quarantine?: string;
    }
);

/** Azure's stop codes; `InsufficientDiskSpace` is ours. */
export type UpgradeStopCode =
  | 'MaxUnhealthyInstancePercentExceededBeforeRollingUpgrade'
  | 'MaxUnhealthyInstancePercentExceededInRollingUpgrade'
  | 'MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade'
  | 'InsufficientDiskSpace'
  | 'InternalExecutionError';
