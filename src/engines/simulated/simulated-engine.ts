// An engine whose VMs are data: they boot, serve, fail and die by the clock, real or virtual.
//
// It is the development server and the test bed. Faults come from what a person can write too: an
// image version tagged `simulate=unhealthy`, `no-boot` or `slow-boot`; tests add the rare ones.
import { readFile } from 'node:fs/promises';
import type { Digest, ImageManifest } from '../../model/image.ts';
import type { Clock } from '../../support/clock.ts';
import {
  type Engine,
  type EngineDescription,
  EngineError,
  type ExecOptions,
  type ExecResult,
  type GuestReport,
  type ImageEngine,
  type StoredLayer,
  type VmObservation,
  type VmSpec,
} from '../engine.ts';
import { readScript } from './guest-shell.ts';
import { baseImage, capturedImage, changedContent, withLayers } from './images.ts';
import { FREE_BYTES, POWER_OFF_MS, SCRIPT_BYTES } from './limits.ts';
import { runActions } from './run-actions.ts';
import { SimulatedHost } from './simulated-host.ts';
import {
  type AppAnswer,
  appAnswerOf,
  consoleTextOf,
  currentDisk,
  ended,
  guestReportOf,
  hasBooted,
  type SimulatedVm,
} from './vm.ts';
import { createdVm, observationOf, reimagedVm, startedVm, withFault } from './vm-changes.ts';

/** Asked at each start of a VM. */
export type SimulatedFaults = {
  /** A sentence: this start fails with it. */
  startFails?(vm: { vmId: string; label: string; diskId: string }): string | undefined;
  /** The VM ends by itself so long after this start. */
  diesAfterMs?(vm: { vmId: string; label: string; diskId: string }): number | undefined;
};

export type SimulatedEngineOptions = {
  readonly clock: Clock;
  /** Where the VMs live on; without it they go with this object. */
  readonly stateFile?: string;
  readonly faults?: SimulatedFaults;
  readonly freeBytes?: number;
};

export class SimulatedEngine implements Engine, ImageEngine {
  readonly #clock: Clock;
  readonly #faults: SimulatedFaults;
  readonly #freeBytes: number;
  readonly #host: SimulatedHost;
  /** Files brought into guests; only a build in flight needs them, and it does not outlive us. */
  readonly #copied = new Map<string, Map<string, string>>();

  private constructor(options: SimulatedEngineOptions, host: SimulatedHost) {
    this.#clock = options.clock;
    this.#faults = options.faults ?? {};
    this.#freeBytes = options.freeBytes ?? FREE_BYTES;
    this.#host = host;
  }

  /** Finds the VMs of an earlier process again when `stateFile` is given. */
  static async open(options: SimulatedEngineOptions): Promise<SimulatedEngine> {
    return new SimulatedEngine(options, await SimulatedHost.open(options));
  }

  async describe(): Promise<EngineDescription> {
    return { name: 'simulated', accelerator: 'none', version: '1' };
  }

  async list(): Promise<readonly VmObservation[]> {
    return this.#host.all().map(observationOf);
  }

  async find(vmId: string): Promise<VmObservation | undefined> {
    const vm = this.#host.find(vmId);
    return vm === undefined ? undefined : observationOf(vm);
  }

  async create(spec: VmSpec): Promise<void> {
    if (this.#host.find(spec.vmId) !== undefined) return;
    this.#requireLayers(spec);
    await this.#host.put(createdVm(spec));
  }

  async reimage(spec: VmSpec): Promise<void> {
    const vm = this.#host.get(spec.vmId, 'reimage');
    if (vm.process !== undefined) {
      throw new EngineError(`reimage of ${vm.label}: the VM runs; power it off first`);
    }
    this.#requireLayers(spec);
    await this.#host.put(reimagedVm(vm, spec));
  }

  async start(vmId: string): Promise<void> {
    const vm = this.#host.get(vmId, 'start');
    if (vm.process !== undefined) return;
    const failure = this.#faults.startFails?.(vm);
    if (failure !== undefined) {
      await this.#host.put(withFault(vm, this.#clock.now(), failure));
      throw new EngineError(`start of ${vm.label}: ${failure}`);
    }
    const diesAfterMs = this.#faults.diesAfterMs?.(vm);
    const startedAtMs = this.#clock.now();
    const started = startedVm(vm, {
      startedAtMs,
      ports: this.#host.takePorts(vm.ports.length),
      ...(diesAfterMs === undefined ? {} : { diesAtMs: startedAtMs + diesAfterMs }),
    });
    await this.#host.put(started);
  }

  async powerOff(vmId: string, { graceMs }: { graceMs: number }): Promise<void> {
    const vm = this.#host.find(vmId);
    if (vm?.process === undefined) return;
    // A guest that has not booted does not hear the request: it is cut off when the grace is over.
    const hears = hasBooted(vm, vm.process, this.#clock.now()) && graceMs >= POWER_OFF_MS;
    await this.#clock.sleep(hears ? POWER_OFF_MS : graceMs);
    const now = this.#host.find(vmId);
    if (now !== undefined) await this.#host.put(ended(now, this.#clock.now(), hears));
  }

  async delete(vmId: string): Promise<void> {
    this.#copied.delete(vmId);
    await this.#host.delete(vmId);
  }

  async discardOsDisk(vmId: string, diskId: string): Promise<void> {
    const vm = this.#host.get(vmId, 'discard an OS disk');
    if (diskId === vm.diskId) {
      throw new EngineError(`discard of OS disk ${diskId}: it is the current one of ${vm.label}`);
    }
    await this.#host.put({ ...vm, osDisks: vm.osDisks.filter((each) => each.diskId !== diskId) });
  }

  async guestReport(vmId: string): Promise<GuestReport | undefined> {
    const vm = this.#host.find(vmId);
    return vm === undefined ? undefined : guestReportOf(vm, this.#clock.now());
  }

  async exec(vmId: string, command: string, options: ExecOptions): Promise<ExecResult> {
    this.#runningGuest(vmId, 'run a command');
    await this.#change(vmId, command);
    const { actions, exitCode } = readScript(command, this.#copied.get(vmId) ?? new Map());
    const ran = await runActions(actions, {
      clock: this.#clock,
      options,
      setService: (running) => this.#setService(vmId, running),
      powerOff: () => this.#endByItself(vmId, true),
    });
    return { ...ran, exitCode: ran.timedOut ? -1 : exitCode, stderr: '' };
  }

  async copyIn(
    vmId: string,
    hostPath: string,
    guestPath: string,
    _options: { mode: number; user?: string },
  ): Promise<void> {
    this.#runningGuest(vmId, `copy in ${guestPath}`);
    const content = await readFile(hostPath);
    const files = this.#copied.get(vmId) ?? new Map<string, string>();
    this.#copied.set(vmId, files);
    files.set(guestPath, content.length <= SCRIPT_BYTES ? content.toString('utf8') : '');
    await this.#change(vmId, guestPath, content.toString('base64'));
  }

  async consoleLog(vmId: string, maxBytes: number): Promise<string> {
    const text = consoleTextOf(this.#host.get(vmId, 'read the console'), this.#clock.now());
    return Buffer.from(text).subarray(-maxBytes).toString('utf8');
  }

  onExit(listener: (vmId: string) => void): () => void {
    return this.#host.onExit(listener);
  }

  async diskSpace(): Promise<{ freeBytes: number }> {
    return { freeBytes: this.#freeBytes };
  }

  async close(): Promise<void> {
    await this.#host.close();
  }

  /** Ends the VM's process from outside, as the host's own kill -9 would. */
  async kill(vmId: string): Promise<void> {
    await this.#endByItself(vmId, false);
  }

  /** Takes a data disk away, as a person's mistake on the host would. */
  async loseDataDisk(vmId: string, lun: number): Promise<void> {
    const vm = this.#host.get(vmId, 'lose a data disk');
    const dataDisks = vm.dataDisks.filter((disk) => disk.lun !== lun);
    await this.#host.put({ ...vm, dataDisks });
  }

  /** What the app in the VM answers now: the health monitor's probes end here instead of in a guest. */
  async probeApp(vmId: string, path: string | undefined): Promise<AppAnswer> {
    const { healthy, reason } = appAnswerOf(this.#host.find(vmId), this.#clock.now());
    const where = reason.startsWith('HTTP') && path !== undefined ? ` from ${path}` : '';
    return { healthy, reason: `${reason}${where}` };
  }

  /** Whether the app accepts connections, whatever it then says. */
  async acceptsConnections(vmId: string): Promise<boolean> {
    return (await this.probeApp(vmId, undefined)).reason.startsWith('HTTP');
  }

  async ensureBaseImage(
    alias: string,
    onLog: (line: string) => void,
    signal?: AbortSignal,
  ): Promise<ImageManifest> {
    signal?.throwIfAborted();
    const image = baseImage(alias);
    onLog(`base image ${alias}: simulated`);
    await this.#host.setLayers(withLayers(this.#host.layers, image, true));
    return image;
  }

  async listBaseImages(): Promise<readonly string[]> {
    return ['debian-12'];
  }

  async capture(vmId: string): Promise<ImageManifest> {
    const vm = this.#host.get(vmId, 'capture');
    if (vm.process !== undefined) {
      throw new EngineError(`capture of ${vm.label}: the VM runs; power it off first`);
    }
    const image = capturedImage(currentDisk(vm));
    await this.#host.setLayers(withLayers(this.#host.layers, image, false));
    return image;
  }

  async hasImage(image: ImageManifest): Promise<boolean> {
    const known = new Set(this.#host.layers.map(({ digest }) => digest));
    return image.layers.every(({ digest }) => known.has(digest));
  }

  async listLayers(): Promise<readonly StoredLayer[]> {
    return this.#host.layers;
  }

  async removeLayer(digest: Digest): Promise<void> {
    await this.#host.setLayers(this.#host.layers.filter((layer) => layer.digest !== digest));
  }

  #runningGuest(vmId: string, attempt: string): SimulatedVm {
    const vm = this.#host.get(vmId, attempt);
    const up = vm.process !== undefined && hasBooted(vm, vm.process, this.#clock.now());
    if (!up) throw new EngineError(`cannot ${attempt} in ${vm.label}: its OS does not answer`);
    return vm;
  }

  #requireLayers({ label, osDisk }: VmSpec): void {
    const known = new Set(this.#host.layers.map(({ digest }) => digest));
    const missing = osDisk.image.layers.find(({ digest }) => !known.has(digest));
    if (missing === undefined) return;
    throw new EngineError(
      `OS disk ${osDisk.diskId} of ${label}: layer ${missing.digest} is not here`,
    );
  }

  async #change(vmId: string, ...change: string[]): Promise<void> {
    const vm = this.#host.get(vmId, 'change');
    const osDisks = vm.osDisks.map((disk) =>
      disk.diskId === vm.diskId
        ? { ...disk, content: changedContent(disk.content, ...change) }
        : disk,
    );
    await this.#host.put({ ...vm, osDisks });
  }

  async #setService(vmId: string, running: boolean): Promise<void> {
    const vm = this.#host.get(vmId, 'change a service');
    if (vm.process === undefined) return;
    await this.#host.put({ ...vm, process: { ...vm.process, appStopped: !running } });
  }

  async #endByItself(vmId: string, graceful: boolean): Promise<void> {
    const vm = this.#host.get(vmId, 'end');
    if (vm.process === undefined) return;
    await this.#host.put(ended(vm, this.#clock.now(), graceful));
    this.#host.tellExit(vmId);
  }
}
