// For the fleet tests: a scale set in a real store in memory, on the simulated engine, under a
// clock moved by hand. The control plane can be killed at any call and started again.
import {
  DEFINITION,
  SCALE_SET,
  shopLoadBalancerBody,
  shopScaleSetBody,
} from '../api/compute/scale-set/testing.ts';
import { LOAD_BALANCER } from '../api/compute/scale-set/testing.ts';
import { toScaleSet } from '../api/compute/scale-set/to-scale-set.ts';
import { SimulatedBalancer } from '../engines/simulated/simulated-balancer.ts';
import { SimulatedEngine, type SimulatedFaults } from '../engines/simulated/simulated-engine.ts';
import { ProbingHealthMonitor } from '../health/monitor.ts';
import { newVersionPut } from '../gallery/version-row.ts';
import { asResourceId, parentId, resourceKey, resourceName } from '../model/resource-id.ts';
import type { JsonObject, ResourceRow } from '../model/resource.ts';
import type { InstanceRow, InstanceStatusRow, UpgradeRunRow } from '../model/scale-set.ts';
import { type NewOperation, startOperation } from '../operations/operations.ts';
import { openStore } from '../store/sqlite-store.ts';
import type { Put, Store } from '../store/store.ts';
import { isoTime } from '../support/clock.ts';
import type { Ids } from '../support/ids.ts';
import { ManualClock } from '../support/testing.ts';
import { Fleet } from './fleet.ts';
import { scaleSetReader } from './scale-set-reader.ts';

export const SET_KEY = resourceKey(SCALE_SET);
const IMAGE_NAME = 'debian-12';
/** Short limits keep the virtual runs short; Azure's are five minutes. */
const POLICY = `${SCALE_SET}/providers/Rollset.Fleet/rolloutPolicies/default`;

/** The control plane died here: nothing after this call happened. */
export class Killed extends Error {}

export class TestFleet {
  readonly clock: ManualClock;
  readonly store: Store;
  readonly engine: SimulatedEngine;
  readonly balancer = new SimulatedBalancer();
  readonly errors: string[] = [];
  #fleet: Fleet | undefined;
  #calls = 0;
  #killAt = Number.POSITIVE_INFINITY;
  #serial = 0;

  private constructor(store: Store, engine: SimulatedEngine, clock: ManualClock) {
    this.store = store;
    this.engine = engine;
    this.clock = clock;
  }

  static async open(options: { capacity: number; faults?: SimulatedFaults }): Promise<TestFleet> {
    const clock = new ManualClock();
    const { faults } = options;
    const engine = await SimulatedEngine.open({
      clock,
      ...(faults === undefined ? {} : { faults }),
    });
    const fleet = new TestFleet(await openStore(':memory:'), engine, clock);
    await fleet.store.commit([
      fleet.#row(DEFINITION, 'Microsoft.Compute/galleries/images', { location: 'westus' }),
    ]);
    await fleet.publish('1.0.0');
    await fleet.store.commit([
      fleet.#row(LOAD_BALANCER, 'Microsoft.Network/loadBalancers', shopLoadBalancerBody()),
      fleet.#row(
        SCALE_SET,
        'Microsoft.Compute/virtualMachineScaleSets',
        scaleSetBody(options.capacity),
      ),
      fleet.#row(POLICY, 'Rollset.Fleet/rolloutPolicies', {
        properties: { healthTimeout: 'PT30S', drain: 'PT5S' },
      }),
    ]);
    return fleet;
  }

  /** A control plane over whatever is there; `killAt` counts its calls to store and engine. */
  async start(killAt = Number.POSITIVE_INFINITY): Promise<void> {
    this.#calls = 0;
    this.#killAt = killAt;
    const { clock } = this;
    const store = this.#killable(this.store, ['commit']);
    const engine = this.#killable(this.engine, ENGINE_VERBS);
    const balancer = this.#killable(this.balancer, ['setBackend', 'removeBackend']);
    this.#fleet = new Fleet({
      store,
      engine,
      balancer,
      health: new ProbingHealthMonitor({
        clock,
        tcpProbe: (vmId) => this.engine.acceptsConnections(vmId),
        httpProbe: ({ vmId, probe }) => this.engine.probeApp(vmId, probe.requestPath),
      }),
      clock,
      ids: this.#ids(),
      readScaleSet: scaleSetReader(store, toScaleSet),
      readCustomData: async () => undefined,
      watchingSinceMs: clock.now(),
      diskSpace: () => engine.diskSpace(),
      onError: (what, error) => {
        if (!(error instanceof Killed)) this.errors.push(`${what}: ${String(error)}`);
      },
    });
    await this.#fleet.start();
  }

  /** Ends the control plane; VMs and balancer stay. */
  async stop(): Promise<void> {
    const closed = this.#fleet?.close();
    await this.clock.advance(20_000);
    await closed;
  }

  get wasKilled(): boolean {
    return this.#calls >= this.#killAt;
  }

  /** How many calls the present control plane has made. */
  get calls(): number {
    return this.#calls;
  }

  async publish(version: string, tags: Record<string, string> = {}): Promise<void> {
    const manifest = await this.engine.ensureBaseImage(`${IMAGE_NAME}-${version}`, () => undefined);
    const definition = await this.store.get('resource', resourceKey(DEFINITION));
    if (definition === undefined) throw new Error('the definition comes first');
    await this.store.commit([
      newVersionPut({
        definition: definition.body,
        version,
        manifest,
        targetRegions: [
          {
            name: 'westus',
            replicaCount: 1,
            storageAccountType: 'Standard_LRS',
            excludeFromLatest: false,
          },
        ],
        excludeFromLatest: false,
        replicationMode: 'Full',
        tags,
        now: isoTime(this.clock.now()),
      }),
    ]);
  }

  async ask(kind: NewOperation['kind'], input: JsonObject = {}): Promise<string> {
    this.#serial += 1;
    const operationId = `op-${this.#serial}`;
    const set = await this.store.get('resource', SET_KEY);
    const generation = set?.body.generation ?? 1;
    const resourceId = asResourceId(SCALE_SET);
    await this.store.commit([
      startOperation({ operationId, kind, resourceId, generation, input }, this.clock.now()),
    ]);
    return operationId;
  }

  async changeSet(change: (row: ResourceRow) => ResourceRow): Promise<void> {
    const row = await this.store.get('resource', SET_KEY);
    if (row === undefined) throw new Error('the scale set is gone');
    const body = change(row.body);
    await this.store.commit([
      {
        put: 'resource',
        key: row.key,
        parent: row.parent,
        type: row.type,
        body: { ...body, generation: body.generation + 1 },
      },
    ]);
  }

  async scaleTo(capacity: number): Promise<void> {
    await this.changeSet((row) => ({
      ...row,
      body: { ...row.body, sku: { name: 'Standard_B1s', capacity } },
    }));
  }

  async instances(): Promise<InstanceRow[]> {
    return (await this.store.list('instance', { parent: SET_KEY })).map(({ body }) => body);
  }

  async statuses(): Promise<InstanceStatusRow[]> {
    return (await this.store.list('instanceStatus', { parent: SET_KEY })).map(({ body }) => body);
  }

  async runs(): Promise<UpgradeRunRow[]> {
    const runs = await this.store.list('run', { parent: SET_KEY });
    return runs.map(({ body }) => body).toSorted((a, b) => a.startTime.localeCompare(b.startTime));
  }

  /** One line: `0:1.0.0 ready` for each instance. */
  async picture(): Promise<string[]> {
    const statuses = new Map((await this.statuses()).map((each) => [each.instanceId, each]));
    return (await this.instances()).map(({ instanceId, osDisk }) => {
      const status = statuses.get(instanceId);
      return `${instanceId}:${osDisk.version} ${status?.health ?? 'none'} ${status?.balancer ?? 'none'}`;
    });
  }

  #ids(): Ids {
    const next = () => {
      this.#serial += 1;
      return String(this.#serial);
    };
    return {
      uuid: () => `uuid-${next()}`,
      short: (length) => `x${next().padStart(length - 1, '0')}`,
    };
  }

  #row(id: string, type: string, body: JsonObject): Put<'resource'> {
    const at = isoTime(this.clock.now());
    const row: ResourceRow = {
      id: asResourceId(id),
      type,
      name: resourceName(id),
      body,
      internal: {},
      provisioningState: 'Succeeded',
      generation: 1,
      createdAt: at,
      changedAt: at,
    };
    return {
      put: 'resource',
      key: resourceKey(id),
      parent: resourceKey(parentId(id)),
      type: type.toLowerCase(),
      body: row,
    };
  }

  /** A proxy that dies at the given call, before it, or just after it took effect. */
  #killable<T extends object>(target: T, verbs: readonly (keyof T)[]): T {
    return new Proxy(target, {
      get: (real, name) => {
        const value = Reflect.get(real, name, real);
        if (typeof value !== 'function') return value;
        if (!verbs.includes(name as keyof T)) return value.bind(real);
        return async (...args: unknown[]) => {
          this.#calls += 1;
          if (this.#calls >= this.#killAt) {
            // Odd: it had taken effect, and nobody heard of it.
            if (this.#calls === this.#killAt && this.#killAt % 2 === 1)
              await value.apply(real, args);
            throw new Killed();
          }
          return value.apply(real, args);
        };
      },
    });
  }
}

const ENGINE_VERBS = ['create', 'start', 'powerOff', 'reimage', 'delete', 'discardOsDisk'] as const;

function scaleSetBody(capacity: number): JsonObject {
  const body = shopScaleSetBody();
  const properties = body['properties'];
  return {
    ...body,
    sku: { name: 'Standard_B1s', capacity },
    properties: {
      ...properties,
      upgradePolicy: {
        mode: 'Manual',
        rollingUpgradePolicy: { maxBatchInstancePercent: 20, maxUnhealthyInstancePercent: 20 },
        automaticOSUpgradePolicy: { enableAutomaticOSUpgrade: true, useRollingUpgradePolicy: true },
      },
    },
  };
}
