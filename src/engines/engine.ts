// The engine port: runs VMs. Handles are opaque; only engines know paths, pids and QEMU.
//
// Every verb is idempotent and safe to repeat after a crash at any point. VMs are processes of
// their own: they outlive this process, and `list` finds them again.
import type { Digest, ImageLayer, ImageManifest } from '../model/image.ts';
import type { GuestReport } from '../model/scale-set.ts';

export type EngineDescription = {
  readonly name: 'qemu' | 'simulated';
  /** e.g. `kvm`, `tcg`, `none`. */
  readonly accelerator: string;
  readonly version: string;
};

export type OsDiskSpec = {
  /** Names one overlay of one VM for ever: [a-z0-9-]{1,64}. */
  readonly diskId: string;
  readonly image: ImageManifest;
  /** Tags of the image version, for the simulated engine's sentinels. */
  readonly tags: Readonly<Record<string, string>>;
};

export type VmSpec = {
  /** Chosen by the caller, unique in this engine: [a-z0-9-]{1,64}. */
  readonly vmId: string;
  readonly kind: 'instance' | 'build' | 'validation';
  /** Text for people in process lists and logs, e.g. `guestbook_3`. */
  readonly label: string;
  readonly hostname: string;
  readonly vCPUs: number;
  readonly memoryMib: number;
  readonly osDisk: OsDiskSpec;
  readonly dataDisks: readonly { readonly lun: number; readonly sizeBytes: number }[];
  /** Guest TCP ports that the host (and only the host) must reach. */
  readonly ports: readonly number[];
  /** Outbound network. Without it a guest reaches nothing at all. */
  readonly egress: boolean;
  readonly adminUsername?: string;
  readonly sshPublicKeys: readonly string[];
  /** base64, at most 65,535 bytes decoded (Azure's limit). */
  readonly customData?: string;
};

export type VmObservation = {
  readonly vmId: string;
  readonly kind: VmSpec['kind'];
  readonly power: 'running' | 'stopped';
  /** The OS disk the VM has, or would have when started. */
  readonly diskId: string;
  /** Every OS disk kept for this VM, the current one included. */
  readonly diskIds: readonly string[];
  /** Of the running process, ms since the epoch. A new start has a new value. */
  readonly startedAtMs?: number;
  /** Where the host reaches guest ports while running. */
  readonly endpoints: readonly {
    readonly guestPort: number;
    readonly host: string;
    readonly port: number;
  }[];
};

export type ExecResult = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
};

export type ExecOptions = {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Runs as this guest user instead of root. */
  readonly user?: string;
  /** Called with output as it appears. */
  readonly onOutput?: (text: string) => void;
};

export interface Engine {
  describe(): Promise<EngineDescription>;
  list(): Promise<readonly VmObservation[]>;
  find(vmId: string): Promise<VmObservation | undefined>;
  /** Makes the VM's OS disk and data disks where absent and records its definition; powered off. */
  create(spec: VmSpec): Promise<void>;
  /**
   * Gives a powered-off VM the definition `spec`: the OS disk `spec.osDisk.diskId` as it is when it
   * is kept, else a fresh overlay. Data disks are not touched; a missing one is an error.
   */
  reimage(spec: VmSpec): Promise<void>;
  /** Returns when the VM's process runs; the guest is still booting then. */
  start(vmId: string): Promise<void>;
  /** Asks the guest to power off and kills the VM after `graceMs`. Returns when it is off. */
  powerOff(vmId: string, options: { graceMs: number }): Promise<void>;
  /** Powers off at once and removes the VM with all its disks. */
  delete(vmId: string): Promise<void>;
  /** Removes a kept OS disk that is not the current one. */
  discardOsDisk(vmId: string, diskId: string): Promise<void>;
  /** Undefined until the guest's OS is up and has answered. */
  guestReport(vmId: string): Promise<GuestReport | undefined>;
  /** Runs `/bin/sh -c command` in the guest. */
  exec(vmId: string, command: string, options: ExecOptions): Promise<ExecResult>;
  /** Copies a host file into the guest (build VMs). Parents of `guestPath` must exist. */
  copyIn(
    vmId: string,
    hostPath: string,
    guestPath: string,
    options: { mode: number; user?: string },
  ): Promise<void>;
  /** The last `maxBytes` of the VM's console. */
  consoleLog(vmId: string, maxBytes: number): Promise<string>;
  /** Calls back when a VM's process ends by itself, so that nobody has to poll. */
  onExit(listener: (vmId: string) => void): () => void;
  /** Bytes free where OS disks are made, and what one fresh OS disk may take at most at birth. */
  diskSpace(): Promise<{ freeBytes: number }>;
  /** Lets go of sockets and watchers; VMs go on running. */
  close(): Promise<void>;
}

export type { GuestReport };

/** A layer on disk. `base`: it belongs to a base image, which is costly to make and is kept. */
export type StoredLayer = ImageLayer & { readonly base: boolean };

/** What the image builder needs besides: a base to start from and a layer out of a build VM. */
export interface ImageEngine {
  /** e.g. `debian-12`; makes it on first use. `onLog` gets lines for people. */
  ensureBaseImage(
    alias: string,
    onLog: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<ImageManifest>;
  /** Names of base images this engine can make or has. */
  listBaseImages(): Promise<readonly string[]>;
  /**
   * Turns a powered-off build VM's OS disk into one immutable layer on top of the image it was
   * started from, and returns the whole image. Safe to repeat; nothing is visible before the end.
   */
  capture(vmId: string): Promise<ImageManifest>;
  /** True when every layer and boot file of the image is here and whole. */
  hasImage(image: ImageManifest): Promise<boolean>;
  /** Every layer kept here, half-made files not among them. */
  listLayers(): Promise<readonly StoredLayer[]>;
  /**
   * Removes one layer that the caller knows to be unused; one that is absent is no error. A VM
   * started from it would be lost: callers go by `planLayerRemoval`, never by their own guess.
   */
  removeLayer(digest: Digest): Promise<void>;
}

/** An engine verb failed; the sentence says what was attempted, on which VM, and why. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
}
