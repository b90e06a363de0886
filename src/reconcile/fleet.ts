// Wakes the right reconciler for each event: a change in the store, a probe that changed its mind,
// a VM that ended. A slow poll of everything is only the backstop.
import type { Balancer, FrontendSpec } from '../balancer/balancer.ts';
import type { Engine } from '../engines/engine.ts';
import type { HealthMonitor } from '../health/health.ts';
import type { ScaleSet } from '../model/scale-set.ts';
import { resourceKey } from '../model/resource-id.ts';
import { type Change, type Store, StoreConflict } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import { runCommands } from './commands.ts';
import { type InstanceDependencies, reconcileInstance } from './instance/reconcile.ts';
import { scaleSetKeyOf, TYPES } from './keys.ts';
import type { ScaleSetReader } from './scale-set-reader.ts';
import { reconcileScaleSet, type ScaleSetDependencies } from './scale-set/reconcile.ts';
import { type PassResult, WorkQueue } from './work-queue.ts';

export type FleetDependencies = InstanceDependencies &
  ScaleSetDependencies & {
    readonly store: Store;
    readonly engine: Engine;
    readonly health: HealthMonitor;
    readonly balancer: Balancer;
    readonly clock: Clock;
    readonly readScaleSet: ScaleSetReader;
    readonly onError: (what: string, error: unknown) => void;
  };

/** Everything is looked at again this often, whatever events were missed. */
const BACKSTOP_MS = 30_000;
/** VM work happens in child processes; this bounds how many are asked for at once. */
const INSTANCES_AT_ONCE = 64;
const SCALE_SETS_AT_ONCE = 8;

export class Fleet {
  readonly #deps: FleetDependencies;
  readonly #instances: WorkQueue;
  readonly #scaleSets: WorkQueue;
  readonly #frontends: WorkQueue;
  /** From passes: which instance a VM is, and which sets follow an image definition. */
  readonly #instanceOfVm = new Map<string, string>();
  readonly #definitionOfSet = new Map<string, string>();
  readonly #stops: (() => void)[] = [];
  readonly #stopped = new AbortController();
  #frontendsWanted = '';

  constructor(deps: FleetDependencies) {
    this.#deps = deps;
    const queue = (
      what: string,
      concurrency: number,
      run: (key: string) => Promise<PassResult>,
    ): WorkQueue =>
      new WorkQueue({
        clock: deps.clock,
        concurrency,
        run: (key) => run(key).catch(againOnConflict),
        onError: (key, error) => deps.onError(`${what} ${key}`, error),
      });
    this.#instances = queue('instance', INSTANCES_AT_ONCE, (key) => this.#instancePass(key));
    this.#scaleSets = queue('scale set', SCALE_SETS_AT_ONCE, (key) => this.#scaleSetPass(key));
    this.#frontends = queue('balancer', 1, () => this.#frontendPass());
  }

  /** Adopts what is in the store and what runs, then lives by events. */
  async start(): Promise<void> {
    const { store, health, engine } = this.#deps;
    this.#stops.push(
      store.subscribe((changes) => changes.forEach((change) => this.#wake(change))),
      health.onChange((targetId) => this.#wakeVm(targetId.slice(0, targetId.lastIndexOf('@')))),
      engine.onExit((vmId) => this.#wakeVm(vmId)),
    );
    this.#stops.push(
      await runCommands({
        ...this.#deps,
        onError: (error) => this.#deps.onError('command', error),
      }),
    );
    // An address in use is no reason to leave the VMs alone: it is tried again, and told.
    await this.#frontendPass().catch((error) => {
      this.#deps.onError('balancer', error);
      this.#frontends.enqueue('all');
    });
    await this.#wakeAll();
    void this.#backstop();
  }

  async close(): Promise<void> {
    this.#stopped.abort();
    for (const stop of this.#stops) stop();
    await Promise.all([this.#instances, this.#scaleSets, this.#frontends].map((q) => q.close()));
  }

  async #instancePass(key: string): Promise<PassResult> {
    const row = await this.#deps.store.get('instance', key);
    if (row !== undefined) this.#instanceOfVm.set(row.body.vmId, key);
    return reconcileInstance(key, this.#deps);
  }

  async #scaleSetPass(key: string): Promise<PassResult> {
    const set = await this.#deps.readScaleSet(key);
    if (set === undefined) this.#definitionOfSet.delete(key);
    else this.#definitionOfSet.set(key, resourceKey(set.model.image.definitionId));
    return reconcileScaleSet(key, this.#deps);
  }

  async #frontendPass(): Promise<PassResult> {
    const { store, readScaleSet, balancer } = this.#deps;
    const rows = await store.list('resource', { type: TYPES.scaleSet });
    const sets = await Promise.all(rows.map((row) => readScaleSet(row.key)));
    const specs = sets.flatMap((set) => (set === undefined ? [] : frontendSpecs(set.model)));
    // Two sets may stand behind one rule; it is one frontend all the same.
    const wanted = [...new Map(specs.map((spec) => [spec.frontendId, spec])).values()];
    await balancer.ensureFrontends(wanted);
    const text = JSON.stringify(wanted);
    if (text !== this.#frontendsWanted) {
      this.#frontendsWanted = text;
      await this.#wakeInstances({});
    }
    return {};
  }

  #wake({ kind, key, parent, type }: Change): void {
    switch (kind) {
      case 'instance':
        this.#instances.enqueue(key);
        this.#scaleSets.enqueue(scaleSetKeyOf(key));
        return;
      case 'instanceStatus':
      case 'run':
        this.#scaleSets.enqueue(parent);
        return;
      case 'operation':
        if (type.startsWith('scaleSet.')) this.#scaleSets.enqueue(parent);
        return;
      case 'resource':
        this.#wakeForResource(key, parent, type);
    }
  }

  #wakeForResource(key: string, parent: string, type: string): void {
    if (type === TYPES.scaleSet) {
      this.#scaleSets.enqueue(key);
      this.#frontends.enqueue('all');
      void this.#wakeInstances({ parent: key });
    } else if (type === TYPES.loadBalancer) {
      this.#frontends.enqueue('all');
    } else if (type === TYPES.imageVersion) {
      for (const [set, definition] of this.#definitionOfSet) {
        if (definition === parent) this.#scaleSets.enqueue(set);
      }
    } else if (type === TYPES.quarantine || type === TYPES.rolloutPolicy) {
      this.#scaleSets.enqueue(parent);
    }
  }

  #wakeVm(vmId: string): void {
    const key = this.#instanceOfVm.get(vmId);
    if (key !== undefined) this.#instances.enqueue(key);
  }

  async #wakeInstances(filter: { parent?: string }): Promise<void> {
    try {
      const rows = await this.#deps.store.list('instance', filter);
      for (const { key } of rows) this.#instances.enqueue(key);
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#deps.onError('instances', error);
    }
  }

  async #wakeAll(): Promise<void> {
    const sets = await this.#deps.store.list('resource', { type: TYPES.scaleSet });
    for (const { key } of sets) this.#scaleSets.enqueue(key);
    await this.#wakeInstances({});
  }

  async #backstop(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      const slept = await this.#deps.clock.sleep(BACKSTOP_MS, signal).then(
        () => true,
        () => false,
      );
      if (!slept) return;
      this.#frontends.enqueue('all');
      await this.#wakeAll().catch((error) => this.#deps.onError('backstop', error));
    }
  }
}

/** Somebody else wrote first: look again at once, nothing is wrong. */
function againOnConflict(error: unknown): PassResult {
  if (error instanceof StoreConflict) return { againInMs: 0 };
  throw error;
}

/** The balancer checks by itself only where it can ask what the health probe asks. */
function frontendSpecs(set: ScaleSet): FrontendSpec[] {
  const probe = set.healthProbe;
  return set.frontends.map((frontend) => {
    const same = probe?.protocol === 'http' && probe.port === frontend.backendPort;
    const path = same && frontend.mode === 'http' ? probe.requestPath : undefined;
    return { ...frontend, ...(path === undefined ? {} : { checkPath: path }) };
  });
}
