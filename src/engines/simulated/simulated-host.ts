// The host that simulated VMs live on: which there are by now, their layers, their ports.
import type { Clock } from '../../support/clock.ts';
import { EngineError, type StoredLayer } from '../engine.ts';
import { FIRST_PORT, LAST_PORT } from './limits.ts';
import { EMPTY_STATE, readState, type SimulatedState, StateWriter } from './state-file.ts';
import { settled, type SimulatedVm } from './vm.ts';

export type SimulatedHostOptions = { readonly clock: Clock; readonly stateFile?: string };

export class SimulatedHost {
  readonly #clock: Clock;
  readonly #writer: StateWriter | undefined;
  readonly #vms: Map<string, SimulatedVm>;
  readonly #exitListeners = new Set<(vmId: string) => void>();
  readonly #closing = new AbortController();
  #layers: readonly StoredLayer[];
  #nextPort: number;

  private constructor({ clock, stateFile }: SimulatedHostOptions, state: SimulatedState) {
    this.#clock = clock;
    this.#writer = stateFile === undefined ? undefined : new StateWriter(stateFile);
    this.#vms = new Map(state.vms.map((vm) => [vm.vmId, vm]));
    this.#layers = state.layers;
    this.#nextPort = state.nextPort;
    for (const vm of state.vms) this.#announceDeath(vm);
  }

  static async open(options: SimulatedHostOptions): Promise<SimulatedHost> {
    const { stateFile } = options;
    const state = stateFile === undefined ? EMPTY_STATE : await readState(stateFile);
    return new SimulatedHost(options, state);
  }

  all(): SimulatedVm[] {
    return [...this.#vms.values()].map((vm) => settled(vm, this.#clock.now()));
  }

  find(vmId: string): SimulatedVm | undefined {
    const vm = this.#vms.get(vmId);
    return vm === undefined ? undefined : settled(vm, this.#clock.now());
  }

  /** Throws EngineError when there is no such VM; `attempt` says what was to be done. */
  get(vmId: string, attempt: string): SimulatedVm {
    const vm = this.find(vmId);
    if (vm === undefined) throw new EngineError(`cannot ${attempt}: there is no VM ${vmId}`);
    return vm;
  }

  async put(vm: SimulatedVm): Promise<void> {
    const before = this.#vms.get(vm.vmId)?.process?.startedAtMs;
    this.#vms.set(vm.vmId, vm);
    if (vm.process !== undefined && vm.process.startedAtMs !== before) this.#announceDeath(vm);
    await this.#save();
  }

  async delete(vmId: string): Promise<void> {
    if (this.#vms.delete(vmId)) await this.#save();
  }

  get layers(): readonly StoredLayer[] {
    return this.#layers;
  }

  async setLayers(layers: readonly StoredLayer[]): Promise<void> {
    this.#layers = layers;
    await this.#save();
  }

  /** Each start gets ports of its own: who still knows an earlier start's endpoint reaches nobody. */
  takePorts(count: number): number[] {
    const range = LAST_PORT - FIRST_PORT + 1;
    const portAt = (i: number) => FIRST_PORT + ((this.#nextPort - FIRST_PORT + i) % range);
    const ports = Array.from({ length: count }, (_, i) => portAt(i));
    this.#nextPort = portAt(count);
    return ports;
  }

  onExit(listener: (vmId: string) => void): () => void {
    const own = (vmId: string) => listener(vmId);
    this.#exitListeners.add(own);
    return () => void this.#exitListeners.delete(own);
  }

  tellExit(vmId: string): void {
    for (const listener of this.#exitListeners) listener(vmId);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    this.#exitListeners.clear();
    await this.#save();
  }

  /** The death itself follows from the time; this only saves listeners from polling for it. */
  #announceDeath({ vmId, process }: SimulatedVm): void {
    if (process?.diesAtMs === undefined) return;
    const delayMs = Math.max(0, process.diesAtMs - this.#clock.now());
    this.#clock.sleep(delayMs, this.#closing.signal).then(
      () => {
        const same = this.#vms.get(vmId)?.process?.startedAtMs === process.startedAtMs;
        if (same) this.tellExit(vmId);
      },
      () => undefined,
    );
  }

  async #save(): Promise<void> {
    await this.#writer?.write({
      vms: [...this.#vms.values()],
      layers: [...this.#layers],
      nextPort: this.#nextPort,
    });
  }
}
