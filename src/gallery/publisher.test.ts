import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { StoredLayer } from '../engines/engine.ts';
import type { ImageManifest } from '../model/image.ts';
import { asResourceId, parentId, resourceKey, resourceName } from '../model/resource-id.ts';
import type { JsonObject, OperationRow, ResourceRow } from '../model/resource.ts';
import { type OperationKind, startOperation } from '../operations/operations.ts';
import { openStore } from '../store/sqlite-store.ts';
import type { Put, Store } from '../store/store.ts';
import { ManualClock } from '../support/testing.ts';
import { LayerKeeper } from './layer-keeper.ts';
import { manifestToJson } from './manifest.ts';
import { manifestPath } from './manifest-files.ts';
import { GalleryPublisher } from './publisher.ts';
import { findManifest, readVersions } from './read-versions.ts';
import { VERSION_TYPE } from './version-row.ts';

const DEFINITION =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/galleries/Apps/images/guestbook';
const place = (version: string) => ({
  location: 'westeurope',
  gallery: 'Apps',
  definition: 'guestbook',
  version,
});
const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

function image(letters: string): ImageManifest {
  return {
    layers: Array.from(letters).map((letter) => ({ digest: digest(letter), sizeBytes: 1 })),
    boot: { kernel: digest('e'), modules: digest('f'), release: '6.1' },
    osDiskSizeBytes: 1,
  };
}

let store: Store;
let dataFolder: string;
let layers: Set<string>;
let keeper: LayerKeeper;
const clock = new ManualClock();
const logger = pino({ level: 'silent' });

beforeEach(async () => {
  store = await openStore(':memory:');
  dataFolder = await mkdtemp(join(tmpdir(), 'rollset-gallery-'));
  layers = new Set(['a', 'b', 'c'].map(digest));
  keeper = new LayerKeeper({ store, engine, logger });
});
afterEach(async () => {
  await store.close();
  await rm(dataFolder, { recursive: true, force: true });
});

const engine = {
  hasImage: async (wanted: ImageManifest) =>
    wanted.layers.every((layer) => layers.has(layer.digest)),
  listLayers: async () =>
    [...layers].map(
      (each): StoredLayer => ({ digest: each, sizeBytes: 1, base: each === digest('a') }),
    ),
  removeLayer: async (each: string) => void layers.delete(each),
};

async function started(): Promise<GalleryPublisher> {
  const publisher = new GalleryPublisher({
    store,
    engine,
    layers: keeper,
    clock,
    dataFolder,
    logger,
  });
  await publisher.start();
  return publisher;
}

function versionPut(
  version: string,
  properties: JsonObject,
  rest: Partial<ResourceRow> = {},
): Put<'resource'> {
  const id = `${DEFINITION}/versions/${version}`;
  return {
    put: 'resource',
    key: resourceKey(id),
    parent: resourceKey(parentId(id)),
    type: VERSION_TYPE,
    body: {
      id: asResourceId(id),
      type: 'Microsoft.Compute/galleries/images/versions',
      name: resourceName(id),
      body: { location: 'West Europe', properties },
      internal: {},
      provisioningState: 'Succeeded',
      generation: 1,
      createdAt: '2026-11-23T00:00:00.000Z',
      changedAt: '2026-11-23T00:00:00.000Z',
      ...rest,
    },
  };
}

const published = (version: string, letters: string) =>
  versionPut(version, {}, { internal: { manifest: manifestToJson(image(letters)) } });

const from = (id: string): JsonObject => ({ storageProfile: { source: { id } } });

let count = 0;
async function operate(kind: OperationKind, version: string): Promise<OperationRow> {
  count += 1;
  const operationId = `op-${count}`;
  const resourceId = asResourceId(`${DEFINITION}/versions/${version}`);
  await store.commit([startOperation({ operationId, kind, resourceId, generation: 1 }, 0)]);
  return vi.waitFor(
    async () => {
      const operation = (await store.get('operation', operationId))?.body;
      if (operation === undefined || operation.status === 'InProgress') throw new Error('open');
      return operation;
    },
    { timeout: 5000, interval: 2 },
  );
}

test('a version made from another one has its layers, and becomes visible whole', async () => {
  await store.commit([
    published('1.0.0', 'ab'),
    versionPut('1.0.1', from(`${DEFINITION}/versions/1.0.0`), { provisioningState: 'Creating' }),
  ]);
  const publisher = await started();
  expect(await findManifest(store, `${DEFINITION}/versions/1.0.1`)).toBeUndefined();
  expect(await operate('galleryVersion.put', '1.0.1')).toMatchObject({ status: 'Succeeded' });
  expect(await findManifest(store, `${DEFINITION}/versions/1.0.1`)).toEqual(image('ab'));
  const row = await store.get('resource', resourceKey(`${DEFINITION}/versions/1.0.1`));
  expect(row?.body.body['properties']).toMatchObject({
    publishingProfile: { publishedDate: '1970-01-01T00:00:00.000Z' },
  });
  const file = await readFile(manifestPath(dataFolder, place('1.0.1')), 'utf8');
  expect(JSON.parse(file)).toEqual(manifestToJson(image('ab')));
  await publisher.stop();
});

test('a change of how it is published keeps the content', async () => {
  const profile = { publishingProfile: { excludeFromLatest: true, publishedDate: 'then' } };
  const internal = { manifest: manifestToJson(image('ab')) };
  await store.commit([versionPut('1.0.0', profile, { internal, provisioningState: 'Updating' })]);
  const publisher = await started();
  await operate('galleryVersion.put', '1.0.0');
  expect(await findManifest(store, `${DEFINITION}/versions/1.0.0`)).toEqual(image('ab'));
  expect(await readVersions(store, DEFINITION)).toEqual([
    {
      name: '1.0.0',
      provisioningState: 'Succeeded',
      excludeFromLatest: true,
      regions: [{ name: 'westeurope', excludeFromLatest: false }],
    },
  ]);
  await publisher.stop();
});

test.each([
  ['a source that is not there', from(`${DEFINITION}/versions/9.9.9`), 'GalleryImageNotFound'],
  ['a source that is not published', from(`${DEFINITION}/versions/0.0.1`), 'GalleryImageNotFound'],
  ['a source whose layers are lost', from(`${DEFINITION}/versions/1.0.0`), 'GalleryImageNotFound'],
  ['a disk', from('/subscriptions/s/providers/Microsoft.Compute/disks/d'), 'InvalidParameter'],
  ['no source', {}, 'InvalidParameter'],
])('%s ends the version as Failed', async (_what, properties, code) => {
  await store.commit([
    published('1.0.0', 'ad'),
    versionPut('0.0.1', {}, { provisioningState: 'Creating' }),
    versionPut('1.0.1', properties, { provisioningState: 'Creating' }),
  ]);
  const publisher = await started();
  expect(await operate('galleryVersion.put', '1.0.1')).toMatchObject({
    status: 'Failed',
    error: { code },
  });
  const row = await store.get('resource', resourceKey(`${DEFINITION}/versions/1.0.1`));
  expect(row?.body).toMatchObject({ provisioningState: 'Failed', error: { code } });
  await publisher.stop();
});

test('deleting a version removes the layers that only it used', async () => {
  await store.commit([published('1.0.0', 'ab'), published('1.1.0', 'abc')]);
  const publisher = await started();
  await operate('galleryVersion.delete', '1.1.0');
  await vi.waitFor(() => expect([...layers]).toEqual([digest('a'), digest('b')]));
  expect(await readVersions(store, DEFINITION)).toHaveLength(1);
  await operate('galleryVersion.delete', '1.0.0');
  await vi.waitFor(() => expect([...layers]).toEqual([digest('a')]));
  await publisher.stop();
});

test('layers stay while an instance has them as its current or its kept OS disk', async () => {
  const scaleSetId = asResourceId('/sets/web');
  const disk = (version: string, letters: string) => ({
    diskId: version,
    version,
    versionId: asResourceId(`${DEFINITION}/versions/${version}`),
    image: image(letters),
    versionTags: {},
  });
  await store.commit([
    published('1.1.0', 'abc'),
    {
      put: 'instance',
      key: '/sets/web/virtualmachines/0',
      parent: '/sets/web',
      type: '',
      body: {
        scaleSetId,
        instanceId: '0',
        vmId: 'web-0',
        computerName: 'web000000',
        wanted: 'present',
        osDisk: disk('1.0.0', 'ab'),
        previousOsDisk: disk('1.1.0', 'abc'),
        osDiskReason: { kind: 'create', at: '' },
        model: { vCPUs: 1, memoryMib: 256, ports: [], dataDisks: [], sshPublicKeys: [] },
        modelGeneration: 1,
        createdAt: '',
      },
    },
  ]);
  const publisher = await started();
  await operate('galleryVersion.delete', '1.1.0');
  await publisher.stop();
  await keeper.removeUnused();
  expect(layers.size).toBe(3);
});

test('a hold keeps every layer; what is owed is removed when it ends', async () => {
  const release = await keeper.hold();
  await keeper.removeUnused();
  expect(layers.size).toBe(3);
  release();
  await vi.waitFor(() => expect([...layers]).toEqual([digest('a')]));
});

test('the start removes manifests without a version and half-written ones', async () => {
  await store.commit([published('1.0.0', 'ab')]);
  for (const name of ['1.0.0.json', '2.0.0.json', '1.0.0.json.77.partial']) {
    const file = join(dirname(manifestPath(dataFolder, place('1.0.0'))), name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, '{}');
  }
  const publisher = await started();
  expect(await readdir(dirname(manifestPath(dataFolder, place('1.0.0'))))).toEqual(['1.0.0.json']);
  expect([...layers]).toEqual([digest('a'), digest('b')]);
  await publisher.stop();
});

test('an operation left open by a crash is taken up at the start', async () => {
  await store.commit([
    published('1.0.0', 'ab'),
    startOperation(
      {
        operationId: 'left',
        kind: 'galleryVersion.delete',
        resourceId: asResourceId(`${DEFINITION}/versions/1.0.0`),
        generation: 1,
      },
      0,
    ),
  ]);
  const publisher = await started();
  await vi.waitFor(async () =>
    expect((await store.get('operation', 'left'))?.body.status).toBe('Succeeded'),
  );
  expect(await readVersions(store, DEFINITION)).toEqual([]);
  await publisher.stop();
});
