// What the planner of one scale set sees and what it may answer. Types only.
//
// It decides capacity and whether a rolling upgrade starts; the upgrade itself is planned in
// planning/rolling-upgrade, one VM's swap in planning/instance.

export type ScaleSetInstanceView = {
  readonly instanceId: string;
  readonly wanted: 'present' | 'deleted';
  readonly version: string;
  /** The VM and its disks are gone. */
  readonly gone: boolean;
};

export type ScaleSetView = {
  readonly deleting: boolean;
  readonly capacity: number;
  readonly instances: readonly ScaleSetInstanceView[];
  /** One above the highest id there is. Ids come back after scale-in, as on Azure; VMs never do. */
  readonly nextInstanceNumber: number;
  /** The version a new instance gets: latest that is not quarantined here, or the pinned one. */
  readonly versionForNew: string | undefined;
  readonly automaticOSUpgrade: boolean;
  /** Latest usable version for an automatic start; undefined when there is none. */
  readonly upgradeTarget: string | undefined;
  /** A person asked for an upgrade (`osRollingUpgrade`) and it has not started yet. */
  readonly upgradeAsked: boolean;
  readonly runInProgress: boolean;
  /** Instances of the batch in flight: never chosen for scale-in. */
  readonly busyInstanceIds: readonly string[];
  /** After an ended run to this target: when to try again by itself. Infinity after a cancel. */
  readonly holdUntilMs?: number;
  readonly now: number;
};

export type ScaleSetStep = { readonly note: string } & (
  | { readonly kind: 'none' }
  | {
      readonly kind: 'addInstances';
      readonly instanceIds: readonly string[];
      readonly version: string;
    }
  | { readonly kind: 'removeInstances'; readonly instanceIds: readonly string[] }
  /** Their VMs are gone: forget the rows. */
  | { readonly kind: 'forgetInstances'; readonly instanceIds: readonly string[] }
  | {
      readonly kind: 'startUpgrade';
      readonly version: string;
      readonly startedBy: 'Platform' | 'User';
    }
  | { readonly kind: 'forgetScaleSet' }
  | {
      readonly kind: 'wait';
      readonly for: 'version' | 'instances' | 'hold';
      readonly untilMs?: number;
    }
);
