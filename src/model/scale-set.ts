// Scale sets and their instances: what is wanted, what was observed. Azure's names.
import type { ImageManifest } from './image.ts';
import type { ResourceId } from './resource-id.ts';

/** Unknown is not healthy. Initializing belongs to rich health (extension 2.0). */
export type HealthState = 'Initializing' | 'Healthy' | 'Unhealthy' | 'Unknown';

/** `properties.upgradePolicy.rollingUpgradePolicy`, durations already in milliseconds. */
export type RollingUpgradePolicy = {
  /** 5..100, default 20: ceiling on the share of the set that is upgraded at once. */
  readonly maxBatchInstancePercent: number;
  /** 5..100, default 20: breached when strictly more of the whole set is unhealthy. */
  readonly maxUnhealthyInstancePercent: number;
  /** 0..100, default 20: breached when strictly more of the already upgraded are unhealthy. */
  readonly maxUnhealthyUpgradedInstancePercent: number;
  /** Default PT0S. */
  readonly pauseTimeBetweenBatchesMs: number;
  readonly prioritizeUnhealthyInstances: boolean;
};

/** Our own part of the policy: `Rollset.Fleet/rolloutPolicies/default`. */
export type RolloutPolicy = {
  /** From the moment the guest's OS is up until it must be Healthy. Azure's fixed value: 5 min. */
  readonly healthTimeoutMs: number;
  /** How long open connections may take to finish before the power-off. */
  readonly drainMs: number;
};

export type HealthProbe = {
  readonly protocol: 'http' | 'https' | 'tcp';
  readonly port: number;
  /** http(s) only, begins with `/`. */
  readonly requestPath?: string;
  readonly intervalMs: number;
  /** Equal results in a row that change the state. */
  readonly numberOfProbes: number;
};

export type DataDisk = { readonly lun: number; readonly sizeBytes: number };

/** The internal model of `Microsoft.Compute/virtualMachineScaleSets`, made from its row. */
export type ScaleSet = {
  readonly id: ResourceId;
  readonly name: string;
  readonly location: string;
  readonly generation: number;
  readonly capacity: number;
  readonly vmSize: string;
  readonly vCPUs: number;
  readonly memoryMib: number;
  /** A gallery image definition (follow latest) or one pinned version. */
  readonly image: { readonly definitionId: ResourceId; readonly version?: string };
  readonly automaticOSUpgrade: boolean;
  readonly disableAutomaticRollback: boolean;
  readonly rollingUpgradePolicy: RollingUpgradePolicy;
  readonly rolloutPolicy: RolloutPolicy;
  readonly computerNamePrefix: string;
  readonly adminUsername?: string;
  readonly sshPublicKeys: readonly string[];
  /** base64, as delivered; never returned by the API. */
  readonly customData?: string;
  readonly dataDisks: readonly DataDisk[];
  readonly healthProbe?: HealthProbe;
  /** Load-balancer rules that reach this set's backend pool. */
  readonly frontends: readonly Frontend[];
};

/** One address and port that the balancer serves, and the guest port behind it. */
export type Frontend = {
  /** Stable: `<load balancer key>#<rule name>`. */
  readonly frontendId: string;
  /** 127.x.y.z */
  readonly address: string;
  readonly port: number;
  readonly backendPort: number;
  readonly mode: 'http' | 'tcp';
};

/** An OS disk of one instance. `diskId` is new for every swap, so no swap can hit a disk twice. */
export type InstanceOsDisk = {
  readonly diskId: string;
  readonly version: string;
  readonly versionId: ResourceId;
  readonly image: ImageManifest;
  /** Tags of the version; the simulated engine reads `simulate=…` sentinels here. */
  readonly versionTags: Readonly<Record<string, string>>;
};

/** The part of the set's model that one instance has; a later model reaches it by reimage. */
export type InstanceModel = {
  readonly vCPUs: number;
  readonly memoryMib: number;
  readonly ports: readonly number[];
  readonly dataDisks: readonly DataDisk[];
  readonly adminUsername?: string;
  readonly sshPublicKeys: readonly string[];
};

/** Why an instance got the OS disk it has now. */
export type OsDiskReason = {
  readonly kind: 'create' | 'upgrade' | 'restore' | 'reimage';
  readonly runId?: string;
  readonly fromVersion?: string;
  readonly fromDiskId?: string;
  readonly at: string;
};

/** What is wanted of one instance. Written only by the reconciler of its scale set. */
export type InstanceRow = {
  readonly scaleSetId: ResourceId;
  readonly instanceId: string;
  /** The engine's name of the VM. */
  readonly vmId: string;
  readonly computerName: string;
  readonly wanted: 'present' | 'deleted';
  readonly osDisk: InstanceOsDisk;
  /** Kept until the run that replaced it ends: the way back for this VM. */
  readonly previousOsDisk?: InstanceOsDisk;
  readonly osDiskReason: OsDiskReason;
  readonly model: InstanceModel;
  /** The set generation whose model (size, disks, ports…) this instance has. */
  readonly modelGeneration: number;
  readonly createdAt: string;
};

/** What a guest found when it started, before it mounted anything. */
export type GuestReport = {
  readonly diskId: string;
  /** True when this OS disk started for the first time. */
  readonly firstBoot: boolean;
  readonly dataDisks: readonly DataDiskFacts[];
};

export type DataDiskFacts = {
  readonly lun: number;
  /** The disk's virtio serial: `lun<N>`. */
  readonly serial: string;
  readonly sizeBytes: number;
  /** Absent while the disk has no file system yet. */
  readonly filesystemUuid?: string;
  /** Whether the file system had been unmounted cleanly; absent without a file system. */
  readonly clean?: boolean;
};

/** Times are ISO 8601; a step not reached yet is absent. */
export type SwapFacts = {
  readonly toDiskId: string;
  readonly startedAt: string;
  readonly drainedAt?: string;
  readonly poweredOffAt?: string;
  readonly bootedAt?: string;
  readonly healthyAt?: string;
  readonly dataDisksBefore: readonly DataDiskFacts[];
};

export type PortEndpoint = {
  readonly guestPort: number;
  readonly host: string;
  readonly port: number;
};

/** What was last seen of one instance. Written only by the reconciler of that instance. */
export type InstanceStatusRow = {
  readonly scaleSetId: ResourceId;
  readonly instanceId: string;
  readonly power: 'absent' | 'stopped' | 'starting' | 'running' | 'stopping';
  /** The disk the VM has, which during a swap is not the wanted one. */
  readonly diskId?: string;
  readonly version?: string;
  readonly health: HealthState;
  readonly healthReason: string;
  readonly healthSince: string;
  readonly balancer: 'none' | 'ready' | 'draining' | 'out';
  /** Where the host reaches guest ports while the VM runs. */
  readonly endpoints: readonly PortEndpoint[];
  /** The VM started with this disk at … and its OS answered at … */
  readonly startedAt?: string;
  readonly guestUpAt?: string;
  readonly drainStartedAt?: string;
  /** What the running guest found at its start. */
  readonly report?: GuestReport;
  /** Facts gathered about the swap in flight; they end in a swap report. */
  readonly swap?: SwapFacts;
  /** Starts in a row after which the VM ended by itself or could not start. */
  readonly failedStarts: number;
  readonly lastFailedStartAt?: string;
  /** What the instance waits for, as a sentence; empty when it is as wanted. */
  readonly waitingFor: string;
  readonly error?: string;
};

/** State of one instance within one rolling upgrade. */
export type InstanceUpgrade = {
  readonly outcome: 'upgrading' | 'upgraded' | 'restoring' | 'restored' | 'failed';
  readonly batch: number;
  readonly fromVersion: string;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly reason?: string;
};

export type UpgradeBatch = {
  readonly number: number;
  readonly instanceIds: readonly string[];
  readonly startedAt: string;
  readonly endedAt?: string;
};

export type UpgradeRunState = 'RollingForward' | 'Cancelled' | 'Completed' | 'Faulted';

/** One rolling OS upgrade of one scale set, past or present. */
export type UpgradeRunRow = {
  readonly runId: string;
  readonly scaleSetId: ResourceId;
  readonly startedBy: 'Platform' | 'User';
  readonly state: UpgradeRunState;
  readonly targetVersion: string;
  readonly targetVersionId: ResourceId;
  readonly targetImage: ImageManifest;
  readonly targetTags: Readonly<Record<string, string>>;
  readonly policy: RollingUpgradePolicy;
  readonly rolloutPolicy: RolloutPolicy;
  readonly disableAutomaticRollback: boolean;
  readonly startTime: string;
  readonly endTime?: string;
  readonly lastAction: 'Start' | 'Cancel';
  readonly lastActionTime: string;
  readonly cancelRequested: boolean;
  readonly batches: readonly UpgradeBatch[];
  readonly instances: Readonly<Record<string, InstanceUpgrade>>;
  /** Instances still to do, refreshed with each pass; for the progress counters. */
  readonly pendingInstanceIds: readonly string[];
  /** The planner's last sentence: what it did or waits for. */
  readonly reason: string;
  readonly error?: { readonly code: string; readonly message: string };
  readonly rollbackInfo?: {
    readonly successfullyRolledbackInstanceCount: number;
    readonly failedRolledbackInstanceCount: number;
  };
};
