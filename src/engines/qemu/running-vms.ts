// The VMs that run: starts their processes, takes over those of a former control plane, ends them,
// and tells whoever listens.
import type { Clock } from '../../support/clock.ts';
import { EngineError, type GuestReport, type VmObservation, type VmSpec } from '../engine.ts';
import type { Accelerator } from './accelerator.ts';
import type { ProcessUser } from './arguments.ts';
import type { FileOwner } from './files.ts';
import type { GuestAgent } from './guest-agent.ts';
import { ENDPOINTS_WITHOUT_AGENT_MS, START_ATTEMPTS } from './limits.ts';
import { chooseForwards } from './network.ts';
import type { EnginePaths } from './paths.ts';
import { killProcess, waitUntilGone } from './process.ts';
import { listVmIds, type ProcessRecord, writeProcess } from './record.ts';
import { RunningVm } from './running-vm.ts';
import { findVmProcess, lastWordsOf, spawnVm, type VmProcess } from './vm-process.ts';

export type RunningVmsOptions = {
  readonly paths: EnginePaths;
  readonly owner: FileOwner | undefined;
  readonly user: ProcessUser | undefined;
  readonly accelerator: Accelerator;
  readonly clock: Clock;
  readonly logger: (line: string) => void;
};

/** How QEMU and passt say that somebody else has bound a port. */
const LOST_PORT = /host forwarding rule|Failed to bind/;

type Running = { readonly vm: RunningVm; record: ProcessRecord };

/** Callers make sure that one VM is started or ended by one of them at a time. */
export class RunningVms {
  readonly #options: RunningVmsOptions;
  readonly #running = new Map<string, Running>();
  /** Ports of VMs that are being started: chosen, and not bound yet. */
  readonly #promised = new Set<number>();
  readonly #listeners = new Set<(vmId: string) => void>();

  constructor(options: RunningVmsOptions) {
    this.#options = options;
  }

  has(vmId: string): boolean {
    return this.#running.has(vmId);
  }

  agentOf(vmId: string): GuestAgent | undefined {
    return this.#running.get(vmId)?.vm.agent;
  }

  reportOf(vmId: string): GuestReport | undefined {
    return this.#running.get(vmId)?.vm.report;
  }

  observe(vmId: string): Pick<VmObservation, 'power' | 'startedAtMs' | 'endpoints'> {
    const running = this.#running.get(vmId);
    if (running === undefined) return { power: 'stopped', endpoints: [] };
    const { startedAtMs } = running.record;
    return { power: 'running', startedAtMs, endpoints: this.#endpoints(running) };
  }

  onExit(listener: (vmId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** VMs go on running. */
  close(): void {
    this.#listeners.clear();
    for (const { vm } of this.#running.values()) vm.close();
    this.#running.clear();
  }

  /** Finds the VMs that a former control plane has left running. */
  async adopt(): Promise<void> {
    await Promise.all((await listVmIds(this.#options.paths)).map((vmId) => this.#adoptOne(vmId)));
  }

  async start(spec: VmSpec): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const forwards = await chooseForwards(spec.ports, this.#takenPorts());
      const ports = forwards.map(({ port }) => port);
      for (const port of ports) this.#promised.add(port);
      try {
        const lost = await this.#startOnce(spec, forwards);
        if (lost === undefined) return;
        // Another program took a port between our choice and QEMU's start: choose again.
        if (!LOST_PORT.test(lost) || attempt === START_ATTEMPTS)
          throw new EngineError(`cannot start VM ${spec.vmId}: QEMU ended: ${lost}`);
      } finally {
        for (const port of ports) this.#promised.delete(port);
      }
    }
  }

  /** Returns when the process is gone and the kernel has released its files. */
  async end(vmId: string, graceMs: number): Promise<void> {
    const running = this.#running.get(vmId);
    if (running === undefined) return;
    const { identity, agent } = running.vm;
    if (graceMs > 0) {
      // SIGRTMIN+4 is systemd's own "power off"; a program to send it need not be loaded.
      const arg = ['-c', 'kill -s 38 1'];
      agent.request('guest-exec', { path: '/bin/sh', arg }).catch(() => undefined);
      await waitUntilGone(identity, this.#options.clock, graceMs);
    }
    await killProcess(identity, this.#options.clock);
    this.#ended(vmId, running.vm);
  }

  /** What QEMU said when it did not come up; undefined when it did. */
  async #startOnce(spec: VmSpec, forwards: ProcessRecord['forwards']): Promise<string | undefined> {
    const started = await this.#spawn(spec, forwards);
    if (typeof started === 'string') return started;
    const running = this.#track(spec.vmId, started);
    try {
      await running.vm.connect();
      return undefined;
    } catch {
      this.#running.delete(spec.vmId);
      running.vm.close();
      await killProcess(started.identity, this.#options.clock);
      return lastWordsOf(this.#options.paths.vm(spec.vmId));
    }
  }

  async #spawn(spec: VmSpec, forwards: ProcessRecord['forwards']): Promise<VmProcess | string> {
    try {
      return await spawnVm(this.#options, spec, forwards);
    } catch (error) {
      const words = await lastWordsOf(this.#options.paths.vm(spec.vmId));
      if (LOST_PORT.test(words)) return words;
      throw error;
    }
  }

  async #adoptOne(vmId: string): Promise<void> {
    const found = await findVmProcess(this.#options.paths.vm(vmId));
    if (found === undefined) return;
    const { vm } = this.#track(vmId, found);
    this.#options.logger(`VM ${vmId} runs as process ${found.identity.pid}: taken over`);
    await vm.connect().catch(() => vm.watch());
  }

  #track(vmId: string, { identity, record }: VmProcess): Running {
    const { clock, paths } = this.#options;
    const vm: RunningVm = new RunningVm(identity, paths.vm(vmId), clock, record.report, {
      reported: async (report) => {
        // A report that comes when the VM has ended must not overwrite its successor's record.
        if (this.#running.get(vmId) !== running) return;
        // Kept, so that endpoints and report are known again at once after a restart of ours.
        running.record = { ...running.record, report };
        await writeProcess(paths.vm(vmId), running.record);
      },
      outOfSpace: () =>
        this.#options.logger(`VM ${vmId} waits: the disk of the host is full, free some space`),
      ended: () => this.#ended(vmId, vm),
    });
    const running: Running = { vm, record };
    this.#running.set(vmId, running);
    return running;
  }

  /** Once per process, whoever notices first. */
  #ended(vmId: string, vm: RunningVm): void {
    if (this.#running.get(vmId)?.vm !== vm) return;
    this.#running.delete(vmId);
    vm.close();
    this.#options.logger(`VM ${vmId} is off`);
    for (const listener of this.#listeners) listener(vmId);
  }

  /**
   * Shown only when the guest's OS has answered: QEMU accepts connections from its first moment, and
   * one made before the guest has a network hangs for seconds in QEMU's retransmission timer.
   */
  #endpoints({ vm, record }: Running): VmObservation['endpoints'] {
    const age = this.#options.clock.now() - record.startedAtMs;
    if (vm.report === undefined && age < ENDPOINTS_WITHOUT_AGENT_MS) return [];
    return record.forwards.map(({ guestPort, port }) => ({ guestPort, host: '127.0.0.1', port }));
  }

  #takenPorts(): ReadonlySet<number> {
    const running = [...this.#running.values()].flatMap(({ record }) => record.forwards);
    return new Set([...running.map(({ port }) => port), ...this.#promised]);
  }
}
