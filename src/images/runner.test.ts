import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CAPTURED_LAYER_BYTES } from '../engines/simulated/limits.ts';
import { manifestOf } from '../gallery/manifest.ts';
import { listOpenOperations } from '../operations/operations.ts';
import type { Json, JsonObject } from '../model/resource.ts';
import { readLastRun } from './run/last-run.ts';
import { templateFolder } from './submission.ts';
import {
  cancel,
  DEFINITION,
  operate,
  putTemplate,
  resourcePut,
  TEMPLATE,
  type TestBench,
  templateProperties,
  testBench,
} from './testing.ts';

let bench: TestBench;
beforeEach(async () => {
  bench = await testBench();
});
afterEach(async () => {
  await bench.close();
});

const REPORT = `${TEMPLATE}/providers/Rollset.Fleet/runReports/latest`;
const VERSION = `${DEFINITION}/versions/1.0.0`;
const IN_STEP = 'exec as packer in build';
const never = new Promise<void>(() => {});

async function report(): Promise<JsonObject> {
  const properties = (await bench.row(REPORT))?.body['properties'];
  return properties as JsonObject;
}

async function steps(): Promise<string[]> {
  const list = (await report())['steps'] as { name: string; state: string }[];
  return list.map(({ name, state }) => `${name}: ${state}`);
}

/** Nothing of a run is left: no VM, no layer that no version has. */
async function expectNothingLeft(): Promise<void> {
  expect(await bench.engine.list()).toEqual([]);
  const versions = await bench.store.list('resource', { parent: DEFINITION.toLowerCase() });
  const used = versions.flatMap(({ body }) => manifestOf(body)?.layers ?? []);
  const wanted = new Set(used.map(({ digest }) => digest));
  await bench.until(async () => {
    const unused = (await bench.engine.listLayers()).filter(({ base, digest }) => {
      return !base && !wanted.has(digest);
    });
    expect(unused).toEqual([]);
  });
}

test('a run ends with a version, a run output, a report and its status, all in one commit', async () => {
  await putTemplate(bench.store, {
    validate: { inVMValidations: [{ type: 'Shell', inline: ['true'] }] },
  });
  const runner = bench.newRunner();
  await runner.start();
  const commits: string[][] = [];
  bench.store.subscribe((changes) =>
    commits.push(changes.map(({ kind, type }) => `${kind} ${type}`)),
  );
  const runId = await operate(bench.store, 'imageTemplate.run');

  expect(await bench.ended(runId)).toMatchObject({ status: 'Succeeded' });
  const publishing = commits.find((changes) => changes.some((text) => text.endsWith('/versions')));
  expect(publishing?.toSorted()).toEqual([
    'operation imageTemplate.run',
    'resource microsoft.compute/galleries/images/versions',
    'resource microsoft.virtualmachineimages/imagetemplates',
    'resource microsoft.virtualmachineimages/imagetemplates/runoutputs',
    'resource rollset.fleet/runreports',
  ]);

  const version = await bench.row(VERSION);
  expect(version).toMatchObject({
    name: '1.0.0',
    provisioningState: 'Succeeded',
    body: {
      location: 'westeurope',
      tags: { from: 'test' },
      properties: {
        publishingProfile: { excludeFromLatest: false, targetRegions: [{ name: 'westeurope' }] },
      },
    },
  });
  expect(version && manifestOf(version)?.layers).toHaveLength(2);
  expect((await bench.row(`${TEMPLATE}/runOutputs/out`))?.body).toEqual({
    properties: { artifactId: VERSION, provisioningState: 'Succeeded' },
  });
  const template = await bench.row(TEMPLATE);
  expect(template && readLastRun(template)).toMatchObject({
    operationId: runId,
    runState: 'Succeeded',
  });
  expect(await report()).toMatchObject({
    state: 'Succeeded',
    layerBytes: CAPTURED_LAYER_BYTES,
    versionId: VERSION,
  });
  expect(await steps()).toEqual([
    'source image: succeeded',
    'build VM: succeeded',
    'install: succeeded',
    'deprovision: succeeded',
    'capture: succeeded',
    'validation VM: succeeded',
    'shell 1: succeeded',
    'publish: succeeded',
  ]);
  const file = join(bench.dataFolder, 'images/westeurope/manifests/apps/guestbook/1.0.0.json');
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(version?.internal['manifest']);
  await expectNothingLeft();
  await runner.stop();
});

test('steps run as the ordinary user, in a VM with egress; validations in one without', async () => {
  await putTemplate(bench.store, {
    validate: { inVMValidations: [{ type: 'Shell', inline: ['true'] }] },
  });
  const runner = bench.newRunner();
  await runner.start();
  await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(bench.engine.calls).toEqual([
    'ensureBaseImage',
    'create build with egress',
    'start build',
    'exec as root in build',
    'exec as packer in build',
    'exec as root in build',
    'powerOff build',
    'capture build',
    'delete build',
    'create validation',
    'start validation',
    'exec as root in validation',
    'exec as packer in validation',
    'delete validation',
  ]);
  await runner.stop();
});

test('a failing step ends the run with its name, exit code and last lines', async () => {
  const lines = Array.from({ length: 30 }, (_, i) => `echo line ${i + 1}`);
  const inline = [...lines, 'echo E: no such package', 'exit 100'];
  await putTemplate(bench.store, { customize: [{ type: 'Shell', name: 'install', inline }] });
  const runner = bench.newRunner();
  await runner.start();
  const runId = await operate(bench.store, 'imageTemplate.run');
  const operation = await bench.ended(runId);
  expect(operation.status).toBe('Failed');
  expect(operation.error?.code).toBe('ImageTemplateRunFailed');
  const message = operation.error?.message ?? '';
  expect(message.split('\n').slice(0, 3)).toEqual([
    'Step "install" (Customizing) failed: it ended with exit code 100.',
    'Last lines:',
    'line 12',
  ]);
  expect(message.endsWith('line 30\nE: no such package')).toBe(true);
  expect(await steps()).toEqual([
    'source image: succeeded',
    'build VM: succeeded',
    'install: failed',
    'deprovision: pending',
    'capture: pending',
    'publish: pending',
  ]);
  const failed = ((await report())['steps'] as JsonObject[])[2];
  expect(failed).toMatchObject({ exitCode: 100, phase: 'Customizing' });
  expect(failed?.['lastLines'] as Json[]).toHaveLength(20);
  const log = await readFile(join(bench.dataFolder, 'builds', runId, 'customization.log'), 'utf8');
  expect(log).toMatch(/^\S+Z ==> Customizing: install\n\S+Z install \| line 1$/m);
  expect(await bench.row(VERSION)).toBeUndefined();
  await expectNothingLeft();
  await runner.stop();
});

test('a failing validation publishes nothing', async () => {
  await putTemplate(bench.store, validating('false'));
  const runner = bench.newRunner();
  await runner.start();
  const operation = await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(operation.error?.message).toMatch(/^Step "check" \(Validating\) failed: it ended with/);
  expect(await bench.row(VERSION)).toBeUndefined();
  await expectNothingLeft();
  await runner.stop();
});

test('with continueDistributeOnFailure it is published, and the run fails all the same', async () => {
  await putTemplate(bench.store, validating('false', { continueDistributeOnFailure: true }));
  const runner = bench.newRunner();
  await runner.start();
  const operation = await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(operation.status).toBe('Failed');
  expect((await bench.row(VERSION))?.provisioningState).toBe('Succeeded');
  await expectNothingLeft();
  await runner.stop();
});

test('a VM that dies while it boots ends the run', async () => {
  bench.faults.diesAfterMs = () => 100;
  await putTemplate(bench.store);
  const runner = bench.newRunner();
  await runner.start();
  const operation = await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(operation.error?.message).toContain(
    'Step "build VM" (Building) failed: the VM ended while it booted.\nLast lines:\n',
  );
  await expectNothingLeft();
  await runner.stop();
});

test('a VM that ends during a step ends the run', async () => {
  await putTemplate(bench.store, {
    customize: [{ type: 'Shell', name: 'install', inline: ['poweroff', 'sleep infinity'] }],
  });
  const runner = bench.newRunner();
  await runner.start();
  const operation = await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(operation.error?.message).toContain(
    'Step "install" (Customizing) failed: the VM ended during this step.',
  );
  await expectNothingLeft();
  await runner.stop();
});

test('a run over its time is ended', async () => {
  await putTemplate(bench.store, { ...slow('infinity'), buildTimeoutInMinutes: 7 });
  const runner = bench.newRunner();
  await runner.start();
  const runId = await operate(bench.store, 'imageTemplate.run');
  await bench.until(() => expect(bench.engine.calls).toContain(IN_STEP));
  await bench.clock.advance(7 * 60_000);
  const operation = await bench.ended(runId);
  expect(operation.status).toBe('Failed');
  expect(operation.error).toMatchObject({
    code: 'ImageTemplateRunTimedOut',
    message: 'The run did not end within 7 min. It was at step "install" (Customizing).',
  });
  await expectNothingLeft();
  await runner.stop();
});

const HELD = [
  ['Building', 'ensureBaseImage'],
  ['Customizing', IN_STEP],
  ['Deprovisioning', 'powerOff build'],
  ['capturing', 'capture build'],
  ['Validating', 'start validation'],
] as const;

test.each(HELD)('cancel while %s leaves nothing and ends both operations', async (_phase, verb) => {
  await putTemplate(bench.store, validating('true'));
  let release: () => void = () => {};
  holdAt(verb, new Promise((resolve) => (release = resolve)));
  const runner = bench.newRunner();
  await runner.start();
  const runId = await operate(bench.store, 'imageTemplate.run');
  await bench.until(() => expect(bench.engine.calls).toContain(verb));
  const cancelId = await cancel(bench.store, runId);
  release();
  expect(await bench.ended(runId)).toMatchObject({
    status: 'Canceled',
    error: { code: 'Canceled' },
  });
  expect(await bench.ended(cancelId)).toMatchObject({ status: 'Succeeded' });
  const template = await bench.row(TEMPLATE);
  expect(template && readLastRun(template).runState).toBe('Canceled');
  expect(await bench.row(VERSION)).toBeUndefined();
  await expectNothingLeft();
  await runner.stop();
});

test.each(HELD)(
  'killed while %s: the next start leaves nothing and says so',
  async (_phase, verb) => {
    await putTemplate(bench.store, validating('true'));
    holdAt(verb, never);
    await bench.newRunner().start();
    const runId = await operate(bench.store, 'imageTemplate.run');
    await bench.until(() => expect(bench.engine.calls).toContain(verb));

    bench.engine.watch = () => {};
    const next = bench.newRunner();
    await next.start();
    const operation = await bench.ended(runId);
    expect(operation).toMatchObject({
      status: 'Failed',
      error: { code: 'ImageTemplateRunInterrupted' },
    });
    expect(operation.error?.message).toMatch(/Run the template again\.$/);
    expect((await report())['state']).toBe('Failed');
    expect((await steps()).filter((step) => step.endsWith('running'))).toEqual([]);
    expect(await bench.engine.list()).toEqual([]);

    // And the same template can be run again.
    const again = await operate(bench.store, 'imageTemplate.run');
    expect(await bench.ended(again)).toMatchObject({ status: 'Succeeded' });
    await expectNothingLeft();
    await next.stop();
  },
);

test('stopping ends the run at hand as interrupted and leaves waiting ones for the next start', async () => {
  await putTemplate(bench.store);
  await putTemplate(bench.store, explicit('1.0.1'), `${TEMPLATE}b`);
  holdAt(IN_STEP, never);
  const runner = bench.newRunner();
  await runner.start();
  const first = await operate(bench.store, 'imageTemplate.run');
  const second = await operate(bench.store, 'imageTemplate.run', `${TEMPLATE}b`);
  await bench.until(() => expect(bench.engine.calls).toContain(IN_STEP));
  await runner.stop();
  expect(await bench.ended(first)).toMatchObject({
    error: { code: 'ImageTemplateRunInterrupted' },
  });
  expect(await listOpenOperations(bench.store, {})).toMatchObject([{ key: second }]);
  await expectNothingLeft();

  bench.engine.watch = () => {};
  const next = bench.newRunner();
  await next.start();
  expect(await bench.ended(second)).toMatchObject({ status: 'Succeeded' });
  await next.stop();
});

test('runs go one at a time, in the order in which they were asked', async () => {
  await putTemplate(bench.store);
  await putTemplate(bench.store, explicit('1.0.1'), `${TEMPLATE}b`);
  let release: () => void = () => {};
  holdAt('ensureBaseImage', new Promise((resolve) => (release = resolve)));
  const runner = bench.newRunner();
  await runner.start();
  const first = await operate(bench.store, 'imageTemplate.run');
  await bench.until(() => expect(bench.engine.calls).toEqual(['ensureBaseImage']));
  const second = await operate(bench.store, 'imageTemplate.run', `${TEMPLATE}b`);
  await bench.until(async () => {
    const waiting = await bench.row(`${TEMPLATE}b`);
    expect(waiting && readLastRun(waiting)).toMatchObject({
      runState: 'Running',
      runSubState: 'Queued',
      message: 'Waits for 1 other image run(s) to end.',
    });
  });
  expect(bench.engine.calls).toEqual(['ensureBaseImage']);
  release();
  await bench.ended(first);
  await bench.ended(second);
  expect(bench.engine.calls.filter((call) => /create build|capture/.test(call))).toEqual([
    'create build with egress',
    'capture build',
    'create build with egress',
    'capture build',
  ]);
  await runner.stop();
});

test('a waiting run can be canceled', async () => {
  await putTemplate(bench.store);
  await putTemplate(bench.store, explicit('1.0.1'), `${TEMPLATE}b`);
  holdAt('ensureBaseImage', never);
  const runner = bench.newRunner();
  await runner.start();
  await operate(bench.store, 'imageTemplate.run');
  await bench.until(() => expect(bench.engine.calls).toEqual(['ensureBaseImage']));
  const second = await operate(bench.store, 'imageTemplate.run', `${TEMPLATE}b`);
  await cancel(bench.store, second, `${TEMPLATE}b`);
  expect(await bench.ended(second)).toMatchObject({ status: 'Canceled' });
});

test('a version that exists is refused before anything is built', async () => {
  await putTemplate(bench.store);
  await bench.store.commit([resourcePut(VERSION, { location: 'westeurope', properties: {} })]);
  const runner = bench.newRunner();
  await runner.start();
  const operation = await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(operation.error?.message).toBe(
    `Version 1.0.0 of ${DEFINITION} exists already, and a published version never changes: choose a higher number.`,
  );
  expect(bench.engine.calls).toEqual([]);
  await runner.stop();
});

test('a version that appears during the build is not overwritten', async () => {
  await putTemplate(bench.store);
  bench.engine.watch = async (call) => {
    if (call !== 'capture build') return;
    await bench.store.commit([
      resourcePut(VERSION, { location: 'westeurope', properties: { other: true } }),
    ]);
  };
  const runner = bench.newRunner();
  await runner.start();
  const operation = await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(operation.error?.message).toMatch(/exists already/);
  expect((await bench.row(VERSION))?.body['properties']).toEqual({ other: true });
  expect((await steps()).at(-1)).toBe('publish: failed');
  await runner.stop();
});

test('without a version number the highest plus one patch is published', async () => {
  await bench.store.commit([
    resourcePut(`${DEFINITION}/versions/1.9.4`, { properties: {} }),
    resourcePut(`${DEFINITION}/versions/1.10.0`, { properties: {} }),
  ]);
  await putTemplate(bench.store, {
    distribute: [{ type: 'SharedImage', runOutputName: 'out', galleryImageId: DEFINITION }],
  });
  const runner = bench.newRunner();
  await runner.start();
  await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  expect(await bench.row(`${DEFINITION}/versions/1.10.1`)).toBeDefined();
  await runner.stop();
});

test('an earlier version is a source, also as latest', async () => {
  await putTemplate(bench.store);
  const runner = bench.newRunner();
  await runner.start();
  await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  const source = { type: 'SharedImageVersion', imageVersionId: `${DEFINITION}/versions/latest` };
  await putTemplate(bench.store, { ...explicit('1.1.0'), source }, `${TEMPLATE}b`);
  const second = await operate(bench.store, 'imageTemplate.run', `${TEMPLATE}b`);
  expect(await bench.ended(second)).toMatchObject({ status: 'Succeeded' });
  const version = await bench.row(`${DEFINITION}/versions/1.1.0`);
  expect(version && manifestOf(version)?.layers).toHaveLength(3);
  await runner.stop();
});

test('submission fetches and verifies files; a run uses what was fetched', async () => {
  const script = '#!/bin/sh\necho from the web\n';
  bench.web.set('https://blobs/install.sh', script);
  const checksum = createHash('sha256').update(script).digest('hex');
  await submitted({
    customize: [
      { type: 'Shell', scriptUri: 'https://blobs/install.sh', sha256Checksum: checksum },
      { type: 'File', sourceUri: 'https://blobs/install.sh', destination: '/tmp/app.sh' },
    ],
  });
  const runner = bench.newRunner();
  await runner.start();
  const put = await operate(bench.store, 'imageTemplate.put');
  expect(await bench.ended(put)).toMatchObject({ status: 'Succeeded' });
  expect((await bench.row(TEMPLATE))?.provisioningState).toBe('Succeeded');

  // As on Azure: a change at the source does not change later runs.
  bench.web.clear();
  await bench.ended(await operate(bench.store, 'imageTemplate.run'));
  const brought = bench.engine.calls.filter((call) => call.startsWith('copyIn'));
  expect(brought).toEqual([`copyIn ${script}`, `copyIn ${script}`]);

  await bench.ended(await operate(bench.store, 'imageTemplate.delete'));
  expect(await bench.row(TEMPLATE)).toBeUndefined();
  expect(await bench.row(REPORT)).toBeUndefined();
  expect(await bench.row(VERSION)).toBeDefined();
  await expect(readdir(templateFolder(bench.dataFolder, TEMPLATE))).rejects.toThrow(/ENOENT/);
  await runner.stop();
});

const wrong = 'a'.repeat(64);
test.each([
  [
    'a checksum that does not match',
    { type: 'Shell', scriptUri: 'https://blobs/here.sh?sig=secret', sha256Checksum: wrong },
    'Other',
    /^https:\/\/blobs\/here\.sh: sha256Checksum is a{64}, but what was fetched has [0-9a-f]{64}\.$/,
  ],
  [
    'a script that is not there',
    { type: 'Shell', scriptUri: 'https://blobs/gone.sh?sig=secret' },
    'Other',
    /^https:\/\/blobs\/gone\.sh could not be fetched: the server answered 404 Not Found\.$/,
  ],
  ['a Windows step', { type: 'WindowsRestart' }, 'UnsupportedCustomizerType', /for Windows/],
  ['a Shell without a script', { type: 'Shell' }, 'NoCustomizerScript', /inline or scriptUri/],
])('submission fails for %s', async (_what, customizer, code, message) => {
  bench.web.set('https://blobs/here.sh?sig=secret', 'exit 0');
  await submitted({ customize: [customizer] });
  const runner = bench.newRunner();
  await runner.start();
  const operation = await bench.ended(await operate(bench.store, 'imageTemplate.put'));
  expect(operation).toMatchObject({ status: 'Failed', error: { code } });
  expect(operation.error?.message).toMatch(message);
  expect(await bench.row(TEMPLATE)).toMatchObject({
    provisioningState: 'Failed',
    error: { code },
  });
  await runner.stop();
});

test('the next start removes half-fetched files and old logs stay', async () => {
  const folder = templateFolder(bench.dataFolder, TEMPLATE);
  const runner = bench.newRunner();
  bench.web.set('https://blobs/a', 'a');
  await submitted({
    customize: [{ type: 'File', sourceUri: 'https://blobs/a', destination: '/tmp/a' }],
  });
  await runner.start();
  await bench.ended(await operate(bench.store, 'imageTemplate.put'));
  await runner.stop();
  await writeFile(join(folder, 'customize-9.part'), 'half');
  await bench.newRunner().start();
  expect(await readdir(folder)).toEqual(['customize-0']);
});

async function submitted(properties: JsonObject): Promise<void> {
  const body = { location: 'westeurope', properties: templateProperties(properties) };
  await bench.store.commit([resourcePut(TEMPLATE, body, { provisioningState: 'Creating' })]);
}

function validating(command: string, more: JsonObject = {}): JsonObject {
  const check = { type: 'Shell', name: 'check', inline: [command] };
  return { validate: { inVMValidations: [check], ...more } };
}

/** Holds the engine before this call, until `held` resolves. */
function holdAt(call: string, held: Promise<void>): void {
  bench.engine.watch = (each) => (each === call ? held : undefined);
}

function slow(seconds: string): JsonObject {
  return { customize: [{ type: 'Shell', name: 'install', inline: [`sleep ${seconds}`] }] };
}

function explicit(version: string): JsonObject {
  return {
    distribute: [
      {
        type: 'SharedImage',
        runOutputName: 'out',
        galleryImageId: `${DEFINITION}/versions/${version}`,
      },
    ],
  };
}
