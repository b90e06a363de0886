// Two bakes on real VMs: the base image to 1.0.0, and 1.0.0 to 1.1.0, which starts from its layer.
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { enginePaths } from '../../src/engines/qemu/paths.ts';
import { LayerKeeper } from '../../src/gallery/layer-keeper.ts';
import { findManifest } from '../../src/gallery/read-versions.ts';
import { ImageTemplateRunner } from '../../src/images/runner.ts';
import {
  cancel,
  DEFINITION,
  operate,
  resourcePut,
  TEMPLATE,
  templateProperties,
} from '../../src/images/testing.ts';
import type { ImageManifest } from '../../src/model/image.ts';
import type { JsonObject, OperationRow } from '../../src/model/resource.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { systemClock } from '../../src/support/clock.ts';
import { type QemuHarness, qemuHarness } from '../engines/harness.ts';

const run = promisify(execFile);
const MIB = 1024 ** 2;

let harness: QemuHarness;
let store: Store;
let runner: ImageTemplateRunner;
let web: string;
let dataFolder: string;

beforeAll(async () => {
  harness = await qemuHarness();
  ({ dataFolder } = harness.options);
  web = await mkdtemp(path.join(os.tmpdir(), 'rollset-web-'));
  store = await openStore(':memory:');
  const logger = pino({ level: 'silent' });
  runner = new ImageTemplateRunner({
    store,
    engine: harness.engine,
    layers: new LayerKeeper({ store, engine: harness.engine, logger }),
    clock: systemClock,
    dataFolder,
    logger,
    fetchSource: (url, toFile) => copyFile(path.join(web, path.basename(url)), toFile),
    logUri: (runId, file) => `https://host/packerlogs/${runId}/${file}`,
    forbiddenInImages: ['http://proxy.corp:3128'],
  });
  await runner.start();
  await store.commit([resourcePut(DEFINITION, { location: 'westeurope', properties: {} })]);
});

afterAll(async () => {
  await runner.stop();
  await store.close();
  await harness.dispose();
  await rm(web, { recursive: true, force: true });
});

test('1.0.0 from the base image: Shell, File, script, a validation in a fresh VM', async () => {
  const app = await serve('app.txt', 'version one\n'.repeat(1000));
  const script = await serve('setup.sh', '#!/bin/sh -e\nsudo sh -c "id -un >/opt/app/by"\n');
  const operation = await bake('1.0.0', {
    customize: [
      { type: 'Shell', name: 'who', inline: ['id -un', 'touch ~/mine', 'test ! -w /etc'] },
      { type: 'File', ...app, destination: '/tmp/app.txt' },
      {
        type: 'Shell',
        name: 'install',
        inline: ['sudo mkdir -p /opt/app', 'sudo install -m 0644 /tmp/app.txt /opt/app/'],
      },
      { type: 'Shell', name: 'script', ...script },
    ],
    validate: {
      inVMValidations: [
        {
          type: 'Shell',
          name: 'app is there, as root, and the network is not',
          inline: [
            'grep -q "version one" /opt/app/app.txt',
            'grep -qx root /opt/app/by',
            'test -z "$(ip route show default)"',
          ],
        },
      ],
    },
  });
  expect(operation.error).toBeUndefined();
  const log = await logOf(operation.operationId);
  expect(log).toMatch(/ who \| packer$/m);
  const image = await published('1.0.0');
  expect(image.layers).toHaveLength(2);
  expect(image.layers[1]?.sizeBytes).toBeLessThan(20 * MIB);
  await expectClean(image);
  await expectNothingRuns();
});

test('1.1.0 from the layer of 1.0.0 is a small layer of its own', async () => {
  const app = await serve('app.txt', 'version two\n'.repeat(1000));
  const started = Date.now();
  const operation = await bake('1.1.0', {
    source: { type: 'SharedImageVersion', imageVersionId: `${DEFINITION}/versions/latest` },
    customize: [
      { type: 'File', ...app, destination: '/tmp/app.txt' },
      { type: 'Shell', inline: ['sudo install -m 0644 /tmp/app.txt /opt/app/'] },
    ],
    validate: {
      inVMValidations: [{ type: 'Shell', inline: ['grep -q "version two" /opt/app/app.txt'] }],
    },
  });
  const seconds = (Date.now() - started) / 1000;
  expect(operation.error).toBeUndefined();
  const [base, first] = (await published('1.0.0')).layers;
  const image = await published('1.1.0');
  expect(image.layers.slice(0, 2)).toEqual([base, first]);
  expect(image.layers[2]?.sizeBytes).toBeLessThan(10 * MIB);
  await expectClean(image);
  await expectNothingRuns();
  // The figures that docs quote; shown with the test's own output.
  console.log(
    `1.1.0: ${seconds.toFixed(1)} s, layers ${image.layers.map(({ sizeBytes }) => sizeBytes).join(' ')}`,
    JSON.stringify(await stepSeconds()),
  );
});

test('a destination the ordinary user cannot write fails, and leaves nothing', async () => {
  const app = await serve('app.txt', 'x');
  const operation = await bake('1.2.0', {
    source: { type: 'SharedImageVersion', imageVersionId: `${DEFINITION}/versions/latest` },
    customize: [{ type: 'File', name: 'wrong place', ...app, destination: '/opt/app/app.txt' }],
  });
  expect(operation.error?.message).toMatch(
    /^Step "wrong place" \(Customizing\) failed: it ended with exit code \d+\.\nLast lines:\n.*Permission denied/,
  );
  await expectNothingRuns();
});

test('a guest that powers off in a step fails at once, and leaves nothing', async () => {
  const operation = await bake('1.2.0', {
    source: { type: 'SharedImageVersion', imageVersionId: `${DEFINITION}/versions/latest` },
    customize: [{ type: 'Shell', name: 'off', inline: ['sudo poweroff -f', 'sleep 600'] }],
  });
  expect(operation.error?.message).toMatch(/^Step "off" \(Customizing\) failed: /);
  await expectNothingRuns();
});

test('a script that hangs is canceled within seconds, and leaves nothing', async () => {
  const { id } = await put('1.2.0', {
    source: { type: 'SharedImageVersion', imageVersionId: `${DEFINITION}/versions/latest` },
    customize: [{ type: 'Shell', name: 'hangs', inline: ['echo begun', 'sleep infinity'] }],
  });
  const runId = await operate(store, 'imageTemplate.run', id);
  await vi.waitFor(async () => expect(await logOf(runId)).toMatch(/hangs \| begun/), {
    timeout: 90_000,
    interval: 200,
  });
  await cancel(store, runId, id);
  const operation = await vi.waitFor(() => ended(runId), { timeout: 10_000, interval: 50 });
  expect(operation.status).toBe('Canceled');
  await expectNothingRuns();
});

async function serve(name: string, content: string): Promise<JsonObject> {
  await writeFile(path.join(web, name), content);
  const uri = `https://blobs/${name}`;
  const sha256Checksum = createHash('sha256').update(content).digest('hex');
  return name.endsWith('.sh')
    ? { scriptUri: uri, sha256Checksum }
    : { sourceUri: uri, sha256Checksum };
}

let templates = 0;

async function put(version: string, properties: JsonObject): Promise<{ id: string }> {
  templates += 1;
  const id = `${TEMPLATE}-${templates}`;
  const target = {
    type: 'SharedImage',
    runOutputName: 'out',
    galleryImageId: `${DEFINITION}/versions/${version}`,
  };
  const body = {
    location: 'westeurope',
    tags: { 'rollset:memoryMiB': '384' },
    properties: templateProperties({ distribute: [target], ...properties }),
  };
  await store.commit([resourcePut(id, body, { provisioningState: 'Creating' })]);
  const putId = await operate(store, 'imageTemplate.put', id);
  const operation = await vi.waitFor(() => ended(putId), { timeout: 10_000, interval: 20 });
  expect(operation.error).toBeUndefined();
  return { id };
}

async function bake(version: string, properties: JsonObject): Promise<OperationRow> {
  const { id } = await put(version, properties);
  const runId = await operate(store, 'imageTemplate.run', id);
  return vi.waitFor(() => ended(runId), { timeout: 150_000, interval: 50 });
}

async function ended(operationId: string): Promise<OperationRow> {
  const operation = (await store.get('operation', operationId))?.body;
  if (operation === undefined || operation.status === 'InProgress') throw new Error('still open');
  return operation;
}

async function published(version: string): Promise<ImageManifest> {
  const manifest = await findManifest(store, `${DEFINITION}/versions/${version}`);
  if (manifest === undefined) throw new Error(`${version} is not published`);
  return manifest;
}

async function logOf(runId: string): Promise<string> {
  return readFile(path.join(dataFolder, 'builds', runId, 'customization.log'), 'utf8');
}

/** Nothing of the build or of this machine is in the image: read from the layers, without booting. */
async function expectClean(image: ImageManifest): Promise<void> {
  const paths = enginePaths({
    ...harness.options,
    imagesFolder: path.join(dataFolder, 'images/local'),
  });
  const raw = path.join(web, 'disk.raw');
  const top = paths.layer(image.layers.at(-1)?.digest ?? '');
  await run('qemu-img', ['convert', '-O', 'raw', top, raw]);
  const read = async (file: string) => (await run('debugfs', ['-R', `cat ${file}`, raw])).stdout;
  const list = async (folder: string) =>
    (await run('debugfs', ['-R', `ls -p ${folder}`, raw])).stdout
      .split('\n')
      .flatMap((line) => line.split('/')[5] ?? [])
      .filter((name) => name !== '' && name !== '.' && name !== '..');
  expect(await read('/etc/machine-id')).toBe('');
  expect(await read('/etc/resolv.conf')).toBe('');
  expect(await read('/etc/passwd')).toMatch(/^root:/);
  expect(await read('/etc/passwd')).not.toMatch(/packer/);
  expect(await read('/etc/hosts')).not.toMatch(/rollset/);
  expect(await list('/home')).toEqual([]);
  expect(await list('/tmp')).toEqual([]);
  expect(await list('/var/tmp')).toEqual([]);
  expect((await list('/etc/ssh')).filter((name) => name.startsWith('ssh_host_'))).toEqual([]);
  expect(await list('/etc/sudoers.d')).toEqual(['README']);
  expect(await list('/var/lib/apt/lists')).toEqual([]);
  expect(await list('/var/lib')).not.toContain('rollset');
  expect(await list('/var/lib/systemd')).not.toContain('random-seed');
  expect(await read('/etc/apt/sources.list')).toMatch(/^deb http:\/\/deb\.debian\.org\/debian /);
  expect(await list('/etc/apt/sources.list.d')).toEqual([]);
  for (const folder of ['/etc/apt/apt.conf.d', '/etc/dpkg/dpkg.cfg.d']) {
    expect((await list(folder)).filter((name) => /rollset-build/.test(name))).toEqual([]);
  }
  await rm(raw);
}

async function expectNothingRuns(): Promise<void> {
  expect(await harness.engine.list()).toEqual([]);
}

async function stepSeconds(): Promise<Record<string, number>> {
  const reports = await store.list('resource', { type: 'rollset.fleet/runreports' });
  const report = reports.find(({ key }) => key.includes(`-${templates}/`))?.body.body['properties'];
  const { steps } = report as unknown as {
    steps: { name: string; startedAt: string; endedAt: string }[];
  };
  return Object.fromEntries(
    steps.map(({ name, startedAt, endedAt }) => [
      name,
      (Date.parse(endedAt) - Date.parse(startedAt)) / 1000,
    ]),
  );
}
