// For tests of the builder and the gallery: the simulated engine under watch, virtual time, and rows
// as the API writes them.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pino } from 'pino';
import type { Engine, ExecOptions, ImageEngine, VmSpec } from '../engines/engine.ts';
import { SimulatedEngine, type SimulatedFaults } from '../engines/simulated/simulated-engine.ts';
import { LayerKeeper } from '../gallery/layer-keeper.ts';
import { asResourceId, parentId, resourceKey, resourceName } from '../model/resource-id.ts';
import type { Json, JsonObject, OperationRow, ResourceRow } from '../model/resource.ts';
import { type OperationKind, requestCancel, startOperation } from '../operations/operations.ts';
import { openStore } from '../store/sqlite-store.ts';
import type { Put, Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import { ManualClock } from '../support/testing.ts';
import { FetchRefused } from './fetch-source.ts';
import { ImageTemplateRunner } from './runner.ts';

/** Of virtual time, between two looks a real millisecond apart: files take real time. */
const STEP_MS = 20;
/** Some ten seconds: far above a simulated bake; in virtual time below every time limit. */
const TRIES_MAX = 10_000;

export const GROUP = '/subscriptions/s/resourceGroups/g';
export const DEFINITION = `${GROUP}/providers/Microsoft.Compute/galleries/apps/images/guestbook`;
export const TEMPLATE = `${GROUP}/providers/Microsoft.VirtualMachineImages/imageTemplates/guestbook-1`;

/** Called before each verb of the engine; one that does not return holds the verb there. */
type Watch = (call: string) => Promise<void> | void;

export type WatchedEngine = Engine &
  ImageEngine & {
    /** What was asked of the engine, `list` and `find` and other looks left out. */
    readonly calls: string[];
    watch: Watch;
  };

/** The simulated engine, which tells what it is asked and can be held. */
async function watchedEngine(clock: Clock, faults: SimulatedFaults): Promise<WatchedEngine> {
  const engine = await SimulatedEngine.open({ clock, faults });
  const calls: string[] = [];
  const watched = new Proxy(engine, {
    get(target, name) {
      const verb: unknown = Reflect.get(target, name);
      if (typeof verb !== 'function') return Reflect.get(watches, name);
      if (name === 'onExit') return verb.bind(target);
      return async (...given: unknown[]) => {
        const call = await describeCall(target, String(name), given);
        if (call !== undefined) {
          calls.push(call);
          await watches.watch(call);
        }
        return Reflect.apply(verb, target, given);
      };
    },
    set: (_target, name, value) => Reflect.set(watches, name, value),
  });
  const watches: { calls: string[]; watch: Watch } = { calls, watch: () => {} };
  return watched as SimulatedEngine & typeof watches;
}

async function describeCall(
  engine: SimulatedEngine,
  verb: string,
  [first, second, third]: unknown[],
): Promise<string | undefined> {
  const kindOf = async () => (await engine.find(String(first)))?.kind;
  switch (verb) {
    case 'create': {
      const { egress, kind } = first as VmSpec;
      return `create ${kind}${egress ? ' with egress' : ''}`;
    }
    case 'delete': {
      const kind = await kindOf();
      return kind === undefined ? undefined : `delete ${kind}`;
    }
    case 'exec':
      return `exec as ${(third as ExecOptions).user ?? 'root'} in ${await kindOf()}`;
    case 'copyIn':
      return `copyIn ${await readFile(String(second), 'utf8')}`;
    case 'start':
    case 'powerOff':
    case 'capture':
      return `${verb} ${await kindOf()}`;
    case 'ensureBaseImage':
    case 'removeLayer':
      return verb;
    default:
      return undefined;
  }
}

export type TestBench = Awaited<ReturnType<typeof testBench>>;

/** A store, a data folder, a simulated engine, time moved by hand; a runner as often as one likes. */
export async function testBench() {
  const clock = new ManualClock();
  const dataFolder = await mkdtemp(join(tmpdir(), 'rollset-images-'));
  const store = await openStore(':memory:');
  const faults: { -readonly [F in keyof SimulatedFaults]: SimulatedFaults[F] } = {};
  const engine = await watchedEngine(clock, faults);
  /** What can be fetched, by address. */
  const web = new Map<string, string>();
  const logger = pino({ level: 'silent' });
  const newRunner = (): ImageTemplateRunner =>
    new ImageTemplateRunner({
      store,
      engine,
      layers: new LayerKeeper({ store, engine, logger }),
      clock,
      dataFolder,
      logger,
      fetchSource: async (url, toFile) => {
        const content = web.get(url);
        if (content === undefined) throw new FetchRefused('the server answered 404 Not Found');
        await writeFile(toFile, content);
      },
      logUri: (runId, file) => `https://host/packerlogs/${runId}/${file}`,
      forbiddenInImages: [],
    });
  await store.commit([resourcePut(DEFINITION, { location: 'westeurope', properties: {} })]);
  return {
    clock,
    faults,
    dataFolder,
    store,
    engine,
    web,
    logger,
    newRunner,
    /** Lets time pass until `check` no longer throws; gives what it gives. */
    async until<T>(check: () => Promise<T> | T): Promise<T> {
      for (let tries = 0; ; tries += 1) {
        try {
          return await check();
        } catch (error) {
          if (tries === TRIES_MAX) throw error;
        }
        await clock.advance(STEP_MS);
        await setTimeout(1);
      }
    },
    async ended(operationId: string): Promise<OperationRow> {
      return this.until(async () => {
        const operation = (await store.get('operation', operationId))?.body;
        if (operation === undefined || operation.status === 'InProgress') throw new Error('open');
        return operation;
      });
    },
    async row(id: string): Promise<ResourceRow | undefined> {
      return (await store.get('resource', resourceKey(id)))?.body;
    },
    async close() {
      await engine.close();
      await store.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

export function resourcePut(
  id: string,
  body: JsonObject,
  rest: Partial<ResourceRow> = {},
): Put<'resource'> {
  const type = id.replace(/^.*\/providers\//, '').split('/');
  const names = type.filter((_, i) => i === 0 || i % 2 === 1).join('/');
  return {
    put: 'resource',
    key: resourceKey(id),
    parent: resourceKey(parentId(id)),
    type: names.toLowerCase(),
    body: {
      id: asResourceId(id),
      type: names,
      name: resourceName(id),
      body,
      internal: {},
      provisioningState: 'Succeeded',
      generation: 1,
      createdAt: '2026-11-23T00:00:00.000Z',
      changedAt: '2026-11-23T00:00:00.000Z',
      ...rest,
    },
  };
}

export type TemplateProperties = { [key: string]: Json };

export function templateProperties(overrides: TemplateProperties = {}): JsonObject {
  return {
    source: {
      type: 'PlatformImage',
      publisher: 'Debian',
      offer: 'debian-12',
      sku: '12',
      version: 'latest',
    },
    customize: [{ type: 'Shell', name: 'install', inline: ['echo one', 'echo two'] }],
    distribute: [
      {
        type: 'SharedImage',
        runOutputName: 'out',
        galleryImageId: `${DEFINITION}/versions/1.0.0`,
        artifactTags: { from: 'test' },
      },
    ],
    ...overrides,
  };
}

/** What the API commits for a PUT of a template that needs no fetching: it is ready to run. */
export async function putTemplate(
  store: Store,
  properties: TemplateProperties = {},
  id: string = TEMPLATE,
): Promise<void> {
  const body = { location: 'westeurope', tags: {}, properties: templateProperties(properties) };
  await store.commit([resourcePut(id, body)]);
}

let operations = 0;

export async function operate(
  store: Store,
  kind: OperationKind,
  id: string = TEMPLATE,
): Promise<string> {
  operations += 1;
  const operationId = `op-${String(operations).padStart(4, '0')}`;
  const resourceId = asResourceId(id);
  await store.commit([
    startOperation({ operationId, kind, resourceId, generation: 1 }, operations),
  ]);
  return operationId;
}

/** What the API commits for POST …/cancel. */
export async function cancel(store: Store, runId: string, id: string = TEMPLATE): Promise<string> {
  const run = await store.get('operation', runId);
  if (run === undefined) throw new Error(`no run ${runId}`);
  await store.commit([requestCancel(run)]);
  return operate(store, 'imageTemplate.cancel', id);
}
