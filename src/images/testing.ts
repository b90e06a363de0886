// For tests of the builder and the gallery: an engine without VMs whose guest is a function, and
// rows as the API writes them.
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { vi } from 'vitest';
import type {
  Engine,
  ExecOptions,
  ExecResult,
  ImageEngine,
  StoredLayer,
  VmObservation,
  VmSpec,
} from '../engines/engine.ts';
import { LayerKeeper } from '../gallery/layer-keeper.ts';
import type { ImageManifest } from '../model/image.ts';
import { asResourceId, parentId, resourceKey, resourceName } from '../model/resource-id.ts';
import type { Json, JsonObject, OperationRow, ResourceRow } from '../model/resource.ts';
import { type OperationKind, requestCancel, startOperation } from '../operations/operations.ts';
import { openStore } from '../store/sqlite-store.ts';
import type { Put, Store } from '../store/store.ts';
import { type Clock, systemClock } from '../support/clock.ts';
import { FetchRefused } from './fetch-source.ts';
import { ImageTemplateRunner } from './runner.ts';

export const GROUP = '/subscriptions/s/resourceGroups/g';
export const DEFINITION = `${GROUP}/providers/Microsoft.Compute/galleries/apps/images/guestbook`;
export const TEMPLATE = `${GROUP}/providers/Microsoft.VirtualMachineImages/imageTemplates/guestbook-1`;

export function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

export function manifest(...layers: string[]): ImageManifest {
  return {
    layers: layers.map((name) => ({ digest: digestOf(name), sizeBytes: 1000 })),
    boot: { kernel: digestOf('kernel'), modules: digestOf('modules'), release: '6.1.0-test' },
    osDiskSizeBytes: 2 * 1024 ** 3,
  };
}

type Guest = (command: string, options: ExecOptions) => Promise<Partial<ExecResult>>;

/** Everything succeeds at once; `guest` says what commands do, `hold` stops at one verb. */
export class ScriptedEngine {
  readonly vms = new Map<string, VmSpec>();
  readonly calls: string[] = [];
  readonly layers = new Set([digestOf('base')]);
  guest: Guest = async () => ({});
  /** A verb that never returns until the run is aborted or the promise resolves. */
  hold: { readonly verb: string; readonly until: Promise<void> } | undefined;
  boots = true;
  #captures = 0;

  asEngine(): Engine & ImageEngine {
    return {
      describe: async () => ({ name: 'qemu', accelerator: 'none', version: '0' }),
      list: async () => [...this.vms.values()].map(observe),
      find: async (vmId) => (this.vms.has(vmId) ? observe(this.spec(vmId)) : undefined),
      create: async (spec) => {
        this.vms.set(spec.vmId, spec);
        await this.#called('create', spec.kind);
      },
      reimage: async () => {},
      start: async (vmId) => this.#called('start', this.spec(vmId).kind),
      powerOff: async (vmId) => this.#called('powerOff', this.spec(vmId).kind),
      delete: async (vmId) => {
        if (this.vms.delete(vmId)) await this.#called('delete', vmId.split('-')[0] ?? '');
      },
      discardOsDisk: async () => {},
      guestReport: async (vmId) =>
        this.boots
          ? { diskId: this.spec(vmId).osDisk.diskId, firstBoot: true, dataDisks: [] }
          : undefined,
      exec: async (vmId, command, options) => {
        await this.#called('exec', options.user ?? 'root');
        this.spec(vmId);
        return {
          ...{ exitCode: 0, stdout: '', stderr: '', timedOut: false },
          ...(await this.guest(command, options)),
        };
      },
      copyIn: async (_vmId, hostPath, guestPath, { user }) => {
        this.calls.push(
          `copyIn ${guestPath} ${user ?? 'root'}: ${await readFile(hostPath, 'utf8')}`,
        );
      },
      consoleLog: async () => 'Kernel panic - not syncing: no root\n',
      onExit: () => () => {},
      diskSpace: async () => ({ freeBytes: 1e12 }),
      close: async () => {},
      ensureBaseImage: async (_alias, onLog) => {
        onLog('base image is here');
        await this.#called('ensureBaseImage', '');
        return manifest('base');
      },
      listBaseImages: async () => ['debian-12'],
      capture: async (vmId) => {
        await this.#called('capture', '');
        const { layers, ...rest } = this.spec(vmId).osDisk.image;
        const digest = digestOf(`layer ${(this.#captures += 1)}`);
        this.layers.add(digest);
        return { ...rest, layers: [...layers, { digest, sizeBytes: 4242 }] };
      },
      hasImage: async (image) => image.layers.every(({ digest }) => this.layers.has(digest)),
      listLayers: async () =>
        [...this.layers].map(
          (digest): StoredLayer => ({ digest, sizeBytes: 1, base: digest === digestOf('base') }),
        ),
      removeLayer: async (digest) => void this.layers.delete(digest),
    };
  }

  spec(vmId: string): VmSpec {
    const spec = this.vms.get(vmId);
    if (spec === undefined) throw new Error(`no VM ${vmId}`);
    return spec;
  }

  async #called(verb: string, what: string): Promise<void> {
    this.calls.push(`${verb} ${what}`.trim());
    if (this.hold?.verb === verb || this.hold?.verb === `${verb} ${what}`) await this.hold.until;
  }
}

function observe(spec: VmSpec): VmObservation {
  const { diskId } = spec.osDisk;
  return {
    vmId: spec.vmId,
    kind: spec.kind,
    power: 'running',
    diskId,
    diskIds: [diskId],
    endpoints: [],
  };
}

export type TestBench = Awaited<ReturnType<typeof testBench>>;

/** A store, a data folder, a scripted engine and a runner; `restart` is a kill and a new start. */
export async function testBench(clock: Clock = systemClock) {
  const dataFolder = await mkdtemp(join(tmpdir(), 'rollset-images-'));
  const store = await openStore(':memory:');
  const engine = new ScriptedEngine();
  /** What can be fetched, by address. */
  const web = new Map<string, string>();
  const logger = pino({ level: 'silent' });
  const newRunner = (): ImageTemplateRunner =>
    new ImageTemplateRunner({
      store,
      engine: engine.asEngine(),
      layers: new LayerKeeper({ store, engine: engine.asEngine(), logger }),
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
    dataFolder,
    store,
    engine,
    web,
    logger,
    newRunner,
    async close() {
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
      ...{ type: 'PlatformImage', publisher: 'Debian', offer: 'debian-12' },
      ...{ sku: '12', version: 'latest' },
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

export async function ended(store: Store, operationId: string): Promise<OperationRow> {
  return vi.waitFor(
    async () => {
      const operation = (await store.get('operation', operationId))?.body;
      if (operation === undefined || operation.status === 'InProgress') throw new Error('open');
      return operation;
    },
    { timeout: 10_000, interval: 5 },
  );
}

export async function row(store: Store, id: string): Promise<ResourceRow | undefined> {
  return (await store.get('resource', resourceKey(id)))?.body;
}
