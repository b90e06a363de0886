// The QEMU engine: real VMs on this machine. Each verb is short here; the work is in its own file.
import { mkdir, readdir, rename, rm, statfs } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../support/clock.ts';
import type { Ids } from '../../support/ids.ts';
import type { Digest, ImageManifest } from '../../model/image.ts';
import type {
  Engine,
  EngineDescription,
  ExecOptions,
  ExecResult,
  GuestReport,
  ImageEngine,
  StoredLayer,
  VmObservation,
  VmSpec,
} from '../engine.ts';
import { EngineError } from '../engine.ts';
import { type Accelerator, kvmGroups, probeAccelerator } from './accelerator.ts';
import type { ProcessUser } from './arguments.ts';
import { BASE_IMAGE_ALIASES, baseLayerDigests, ensureDebianBase } from './base-image.ts';
import { captureLayer } from './capture.ts';
import { ensureDataDisks, ensureOsDisk, requireDataDisks } from './disks.ts';
import { type FileOwner, fileExists, readTail } from './files.ts';
import { copyIntoGuest } from './guest-copy.ts';
import { type ExecPorts, execInGuest } from './guest-exec.ts';
import { runHostCommand } from './host-command.ts';
import { KeyedLock } from './keyed-lock.ts';
import {
  ensureImageFolders,
  listLayerFiles,
  missingFiles,
  removeLayerFile,
  requireImage,
} from './layers.ts';
import { type EnginePaths, enginePaths } from './paths.ts';
import { listOsDisks, listVmIds, readDefinition, writeDefinition } from './record.ts';
import { RunningVms } from './running-vms.ts';

export type QemuEngineOptions = {
  /** VMs live in `<dataFolder>/vms`. The user that runs VMs must be able to enter it. */
  readonly dataFolder: string;
  /** Layers, boot files and bases; default `<dataFolder>/images/<location>`. */
  readonly imagesFolder?: string;
  /** Default `local`. */
  readonly location?: string;
  /** For sockets; short, because a socket path ends at 107 bytes: e.g. `/run/rollset/ab12cd34`. */
  readonly runtimeFolder: string;
  /** Who runs the VMs when this process is root; otherwise they run as this process's user. */
  readonly user?: { readonly uid: number; readonly gid: number };
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: (line: string) => void;
  /** Default: found out by starting a VM. */
  readonly accelerator?: Accelerator;
};

export class QemuEngine implements Engine, ImageEngine {
  readonly #options: QemuEngineOptions;
  readonly #paths: EnginePaths;
  readonly #owner: FileOwner | undefined;
  readonly #accelerator: Accelerator;
  readonly #running: RunningVms;
  readonly #lock = new KeyedLock();

  private constructor(
    options: QemuEngineOptions,
    paths: EnginePaths,
    runner: { user: ProcessUser | undefined; accelerator: Accelerator },
  ) {
    this.#options = options;
    this.#paths = paths;
    this.#owner = options.user;
    this.#accelerator = runner.accelerator;
    const { clock, logger } = options;
    this.#running = new RunningVms({ paths, owner: this.#owner, clock, logger, ...runner });
  }

  /** Makes the folders, finds out the accelerator, takes over the VMs that run. */
  static async open(options: QemuEngineOptions): Promise<QemuEngine> {
    const location = options.location ?? 'local';
    const imagesFolder = options.imagesFolder ?? path.join(options.dataFolder, 'images', location);
    const paths = enginePaths({ ...options, imagesFolder });
    await mkdir(paths.vms, { recursive: true, mode: 0o755 });
    await ensureImageFolders(paths);
    await mkdir(options.runtimeFolder, { recursive: true, mode: 0o755 });
    const user =
      options.user === undefined ? undefined : { ...options.user, groups: await kvmGroups() };
    const accelerator = options.accelerator ?? (await probeAccelerator(user));
    const engine = new QemuEngine(options, paths, { user, accelerator });
    await engine.#removeDeleted();
    await engine.#running.adopt();
    return engine;
  }

  async describe(): Promise<EngineDescription> {
    const { stdout } = await runHostCommand('cannot ask for the version', 'qemu-system-x86_64', [
      '--version',
    ]);
    const version = /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
    return { name: 'qemu', accelerator: this.#accelerator, version };
  }

  async list(): Promise<readonly VmObservation[]> {
    const found = await Promise.all(
      (await listVmIds(this.#paths)).map((vmId) => this.#observe(vmId)),
    );
    return found.filter((vm) => vm !== undefined);
  }

  find(vmId: string): Promise<VmObservation | undefined> {
    return this.#observe(vmId);
  }

  create(spec: VmSpec): Promise<void> {
    return this.#lock.run(spec.vmId, async () => {
      const vm = this.#paths.vm(spec.vmId);
      if ((await readDefinition(vm)) !== undefined) return;
      await requireImage(this.#paths, spec.osDisk.image, `cannot create VM ${spec.vmId}`);
      // What an interrupted create has left is not trusted: the definition is written last.
      await rm(vm.folder, { recursive: true, force: true });
      await mkdir(vm.folder, { recursive: true, mode: 0o755 });
      await ensureOsDisk(this.#paths, vm, spec, this.#owner);
      await ensureDataDisks(vm, spec, this.#owner);
      await writeDefinition(vm, spec);
    });
  }

  reimage(spec: VmSpec): Promise<void> {
    return this.#lock.run(spec.vmId, async () => {
      const vm = this.#paths.vm(spec.vmId);
      await this.#definition(spec.vmId, 'reimage');
      if (this.#running.has(spec.vmId))
        throw new EngineError(`cannot reimage VM ${spec.vmId}: it runs; power it off first`);
      await requireImage(this.#paths, spec.osDisk.image, `cannot reimage VM ${spec.vmId}`);
      await requireDataDisks(vm, spec);
      await ensureOsDisk(this.#paths, vm, spec, this.#owner);
      await writeDefinition(vm, spec);
    });
  }

  start(vmId: string): Promise<void> {
    return this.#lock.run(vmId, async () => {
      if (this.#running.has(vmId)) return;
      const spec = await this.#definition(vmId, 'start');
      const vm = this.#paths.vm(vmId);
      await requireImage(this.#paths, spec.osDisk.image, `cannot start VM ${vmId}`);
      await requireDataDisks(vm, spec);
      if (!(await fileExists(vm.osDisk(spec.osDisk.diskId))))
        throw new EngineError(
          `cannot start VM ${vmId}: its OS disk ${spec.osDisk.diskId} is missing`,
        );
      await this.#running.start(spec);
    });
  }

  powerOff(vmId: string, options: { graceMs: number }): Promise<void> {
    return this.#lock.run(vmId, () => this.#running.end(vmId, options.graceMs));
  }

  delete(vmId: string): Promise<void> {
    return this.#lock.run(vmId, async () => {
      const vm = this.#paths.vm(vmId);
      await this.#running.end(vmId, 0);
      if (!(await fileExists(vm.folder))) return;
      // Gone by one rename: half a VM must never be seen, nor its data disks be found again.
      const grave = path.join(this.#paths.vms, `.deleted-${this.#options.ids.short(12)}`);
      await rename(vm.folder, grave);
      await rm(grave, { recursive: true, force: true });
      await rm(vm.runtime, { recursive: true, force: true });
    });
  }

  discardOsDisk(vmId: string, diskId: string): Promise<void> {
    return this.#lock.run(vmId, async () => {
      const spec = await this.#definition(vmId, 'discard an OS disk of');
      if (spec.osDisk.diskId === diskId)
        throw new EngineError(
          `cannot discard OS disk ${diskId} of VM ${vmId}: it is the current one`,
        );
      await rm(this.#paths.vm(vmId).osDisk(diskId), { force: true });
    });
  }

  async guestReport(vmId: string): Promise<GuestReport | undefined> {
    return this.#running.reportOf(vmId);
  }

  async exec(vmId: string, command: string, options: ExecOptions): Promise<ExecResult> {
    return execInGuest(this.#execPorts(vmId, 'run a command in'), command, options);
  }

  copyIn(
    vmId: string,
    hostPath: string,
    guestPath: string,
    options: { mode: number; user?: string },
  ): Promise<void> {
    // One file at a time through the VM's copy port.
    return this.#lock.run(`copy/${vmId}`, async () => {
      const spec = await this.#definition(vmId, 'copy a file into');
      if (spec.kind === 'instance')
        throw new EngineError(
          `cannot copy a file into VM ${vmId}: only build and validation VMs take files`,
        );
      const ports = this.#execPorts(vmId, 'copy a file into');
      await copyIntoGuest(ports, this.#paths.vm(vmId).copySocket, hostPath, guestPath, options);
    });
  }

  consoleLog(vmId: string, maxBytes: number): Promise<string> {
    return readTail(this.#paths.vm(vmId).console, maxBytes);
  }

  onExit(listener: (vmId: string) => void): () => void {
    return this.#running.onExit(listener);
  }

  async diskSpace(): Promise<{ freeBytes: number }> {
    const { bavail, bsize } = await statfs(this.#paths.vms);
    return { freeBytes: bavail * bsize };
  }

  async close(): Promise<void> {
    this.#running.close();
  }

  ensureBaseImage(
    alias: string,
    onLog: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<ImageManifest> {
    return this.#lock.run(`base/${alias}`, () =>
      ensureDebianBase({ paths: this.#paths, clock: this.#options.clock, alias, onLog, signal }),
    );
  }

  async listBaseImages(): Promise<readonly string[]> {
    return BASE_IMAGE_ALIASES;
  }

  capture(vmId: string): Promise<ImageManifest> {
    return this.#lock.run(vmId, async () => {
      const spec = await this.#definition(vmId, 'capture');
      if (this.#running.has(vmId))
        throw new EngineError(`cannot capture VM ${vmId}: it runs; power it off first`);
      return captureLayer(this.#paths, spec, this.#options.ids);
    });
  }

  async hasImage(image: ImageManifest): Promise<boolean> {
    return (await missingFiles(this.#paths, image)).length === 0;
  }

  async listLayers(): Promise<readonly StoredLayer[]> {
    const bases = await baseLayerDigests(this.#paths);
    const layers = await listLayerFiles(this.#paths);
    return layers.map((layer) => ({ ...layer, base: bases.has(layer.digest) }));
  }

  removeLayer(digest: Digest): Promise<void> {
    return removeLayerFile(this.#paths, digest);
  }

  async #observe(vmId: string): Promise<VmObservation | undefined> {
    const vm = this.#paths.vm(vmId);
    const spec = await readDefinition(vm);
    if (spec === undefined) return undefined;
    return {
      vmId,
      kind: spec.kind,
      diskId: spec.osDisk.diskId,
      diskIds: await listOsDisks(vm),
      ...this.#running.observe(vmId),
    };
  }

  async #removeDeleted(): Promise<void> {
    for (const name of await readdir(this.#paths.vms))
      if (name.startsWith('.deleted-'))
        await rm(path.join(this.#paths.vms, name), { recursive: true, force: true });
  }

  async #definition(vmId: string, verb: string): Promise<VmSpec> {
    const spec = await readDefinition(this.#paths.vm(vmId));
    if (spec === undefined) throw new EngineError(`cannot ${verb} VM ${vmId}: there is no such VM`);
    return spec;
  }

  #execPorts(vmId: string, verb: string): ExecPorts {
    const agent = this.#running.agentOf(vmId);
    if (agent === undefined) throw new EngineError(`cannot ${verb} VM ${vmId}: it does not run`);
    return { agent, clock: this.#options.clock, ids: this.#options.ids };
  }
}
