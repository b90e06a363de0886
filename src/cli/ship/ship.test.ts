// The command line against a real control plane with simulated VMs, over HTTPS.
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runControlPlane } from '../../server/up.ts';
import type { ControlPlane } from '../../server/up.ts';
import { hurriedClock, lastJson, TestTerminal } from '../testing.ts';

const YAML = `name: shop
location: southeastasia
app: { source: app }
image:
  base: debian-12
  customize:
    - file: { source: app, destination: /opt/shop }
fleet:
  instances: 2
  port: 8080
  health: { path: /healthz, interval: 5s, probes: 1 }
  environment: { GREETING: hello }
rollout: { maxUnhealthy: 50%, healthTimeout: 5s, drain: 0s }
targets: { local: { memory: 256MiB } }
`;

let folder: string;
let data: string;
let plane: ControlPlane;
const ending = new AbortController();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-ship-'));
  data = join(folder, 'data');
  await mkdir(join(folder, 'app'));
  await writeFile(join(folder, 'app', 'VERSION'), '1\n');
  await writeFile(join(folder, 'rollset.yaml'), YAML);
  plane = await start();
});
afterAll(async () => {
  ending.abort();
  await plane.closed;
  await rm(folder, { recursive: true, force: true });
});

function start(): Promise<ControlPlane> {
  return runControlPlane({
    dataFolder: data,
    listen: { host: '127.0.0.1', port: 0 },
    engine: 'simulated',
    logger: pino({ enabled: false }),
    signal: ending.signal,
  });
}

async function writeVariant(name: string, change: (yaml: string) => string): Promise<void> {
  await writeFile(join(folder, name), change(YAML));
}

const terminal = (clock = undefined as ReturnType<typeof hurriedClock> | undefined) =>
  new TestTerminal({ cwd: folder, ...(clock === undefined ? {} : { clock }) });
const flags = () => ['--data', data];

/** Until no roll-out runs and every instance is healthy. */
async function fleetAtRest(): Promise<Record<string, unknown>> {
  for (const until = performance.now() + 15_000; performance.now() < until; ) {
    const { stdout } = await terminal().run('status', ...flags(), '--output', 'json');
    const status = lastJson(stdout) as {
      run?: { state: string };
      instances: { health: string; version: string; wantedVersion: string }[];
    };
    const isWhole = status.instances.every(
      ({ health, version, wantedVersion }) => health === 'Healthy' && version === wantedVersion,
    );
    if (isWhole && status.run?.state !== 'RollingForward') return status;
  }
  throw new Error('the fleet did not come to rest in 15 s');
}

test('a first ship makes the fleet and ends with the promised result', {
  timeout: 30_000,
}, async () => {
  const { exitCode, stdout, stderr } = await terminal().run('ship', ...flags(), '--output', 'json');
  expect(stderr).toContain('shipping shop 1.0.0 from debian-12');
  expect(exitCode).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  expect(lastJson(stdout)).toMatchObject({
    version: '1.0.0',
    seconds: expect.any(Number),
    steps: expect.arrayContaining([
      { name: 'app -> /opt/shop', seconds: expect.any(Number), cached: false },
    ]),
    layerBytes: expect.any(Number),
    versionId: expect.stringMatching(/\/galleries\/shop\/images\/shop\/versions\/1\.0\.0$/),
    upgrade: { state: 'Completed', batches: 0, failedInstances: 0, rolledBackInstances: 0 },
  });
});

test('the next one goes over the fleet in batches, on the layer before', {
  timeout: 30_000,
}, async () => {
  const { exitCode, stdout } = await terminal().run('ship', ...flags(), '--from', 'previous');
  expect(exitCode).toBe(0);
  expect(stdout).toContain('shipping shop 1.0.1 from version 1.0.0');
  expect(stdout).toMatch(/batch 1: shop_0[\s\S]*batch 2: shop_1/);
  expect(stdout).toMatch(/every instance is Healthy on 1\.0\.1: http:\/\/127\./);
});

test('a broken version is rolled back: exit code 2, and it is quarantined', {
  timeout: 40_000,
}, async () => {
  const args = [...flags(), '--tag', 'simulate=unhealthy', '--output', 'json'];
  const { exitCode, stdout, stderr } = await terminal().run('ship', ...args);
  expect(exitCode).toBe(2);
  expect(stderr).toMatch(/rollset: the roll-out of 1\.0\.2 stopped, 1 restored, 0 failed: /);
  expect(lastJson(stdout)).toMatchObject({
    version: '1.0.2',
    upgrade: { state: 'Faulted', batches: 1, failedInstances: 0, rolledBackInstances: 1 },
  });
  await fleetAtRest();
  const versions = await terminal().run('versions', ...flags());
  expect(versions.stdout).toMatch(/1\.0\.2 .*quarantined/);
  expect(versions.stdout).toMatch(/1\.0\.1 .* 2 +latest: the fleet follows it/);
  const history = await terminal().run('history', ...flags());
  expect(history.stdout).toMatch(/1\.0\.2 +Faulted[\s\S]*1\.0\.1 +Completed/);
});

test.each([
  [
    'a version that exists',
    ['--version', '1.0.1'],
    /version 1\.0\.1 exists already and cannot be changed: leave --version out for 1\.0\.3/,
  ],
  ['no version at all', ['--version', 'newest'], /--version newest is not a version/],
  ['a source that is not there', ['--from', '7.0.0'], /--from 7\.0\.0: there is no such version/],
  ['a tag without a value', ['--tag', 'x'], /--tag x: write KEY=VALUE/],
])('%s ends before anything is made', async (_what, args, message) => {
  const { exitCode, stderr } = await terminal().run('ship', ...flags(), ...args);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(1);
});

test('a lower version is published with a warning, and no instance is touched', {
  timeout: 30_000,
}, async () => {
  const { exitCode, stderr } = await terminal().run('ship', ...flags(), '--version', '0.9.0');
  expect(stderr).toContain(
    'warning: version 0.9.0 is lower than 1.0.1, the latest: it is published',
  );
  expect(stderr).toContain('the fleet follows 1.0.1: no instance was touched');
  expect(exitCode).toBe(1);
});

test('a step that fails ends the bake with its name and exit code', {
  timeout: 30_000,
}, async () => {
  await writeVariant('fails.yaml', (yaml) =>
    yaml.replace('    - file:', '    - { name: doomed, shell: exit 7 }\n    - file:'),
  );
  const { exitCode, stderr } = await terminal().run('ship', ...flags(), join(folder, 'fails.yaml'));
  expect(stderr).toMatch(/rollset: the bake of 1\.0\.3 failed: .*doomed.*7/);
  expect(exitCode).toBe(1);
});

test('Ctrl-C cancels a bake, and the same ship can be run again', { timeout: 40_000 }, async () => {
  await writeVariant('sleeps.yaml', (yaml) =>
    yaml.replace('    - file:', '    - { name: nap, shell: sleep 30 }\n    - file:'),
  );
  const at = terminal();
  const running = at.run('ship', ...flags(), join(folder, 'sleeps.yaml'));
  await at.saw(/step customizing: nap/);
  at.interrupt();
  const { exitCode, stderr } = await running;
  expect(stderr).toContain('the bake of 1.0.3 is canceled: nothing was published');
  expect(exitCode).toBe(130);
  const baked = await terminal().run('bake', ...flags(), '--output', 'json');
  expect(baked.exitCode).toBe(0);
  expect(lastJson(baked.stdout)).toMatchObject({ version: '1.0.3' });
  expect((await fleetAtRest())['capacity']).toBe(2);
});

test('Ctrl-C in the roll-out leaves it to the control plane, which ends it', {
  timeout: 40_000,
}, async () => {
  const at = terminal();
  const running = at.run('ship', ...flags());
  await at.saw(/batch 1: shop_0/);
  at.interrupt();
  const { exitCode, stderr } = await running;
  expect(stderr).toMatch(
    /left the roll-out of 1\.0\.4 to the control plane: follow it with `rollset watch`/,
  );
  expect(exitCode).toBe(130);
  const { instances } = await fleetAtRest();
  expect(instances).toMatchObject([{ version: '1.0.4' }, { version: '1.0.4' }]);
});

test('--no-wait ends with publication, and watch shows the rest until Ctrl-C', async () => {
  const shipped = await terminal().run('ship', ...flags(), '--no-wait', '--output', 'json');
  expect(shipped.exitCode).toBe(0);
  expect(lastJson(shipped.stdout)).toMatchObject({ version: '1.0.5' });
  const at = terminal();
  const watching = at.run('watch', ...flags());
  await at.saw(/Z upgrade to 1\.0\.5 Completed/);
  at.interrupt();
  const { exitCode, stdout } = await watching;
  expect(stdout).toMatch(/shop_1 healthy 1\.0\.5/);
  expect(exitCode).toBe(0);
});

test('a command in a VM, its console, and one that is not there', { timeout: 30_000 }, async () => {
  const echo = await terminal().run('exec', ...flags(), 'shop_1', '--', 'echo', 'hello');
  expect([echo.exitCode, echo.stdout]).toEqual([0, 'hello\n']);
  const log = await terminal().run('console', ...flags(), '1');
  expect(log.stdout).toContain('Linux version');
  const missing = await terminal().run('exec', ...flags(), '77', '--', 'true');
  expect(missing.exitCode).toBe(1);
  expect(missing.stderr).toMatch(/^rollset: .*77.*cannot be found/);
});

test('when the control plane goes away in a roll-out, the outcome is unknown: exit code 3', {
  timeout: 40_000,
}, async () => {
  const at = terminal(hurriedClock());
  const running = at.run('ship', ...flags());
  await at.saw(/batch 1: shop_0/);
  ending.abort();
  const { exitCode, stderr } = await running;
  expect(stderr).toMatch(/lost contact while shipping 1\.0\.6, so its outcome is unknown/);
  expect(exitCode).toBe(3);
  const after = await terminal().run('status', ...flags());
  expect(after.exitCode).toBe(1);
  expect(after.stderr).toMatch(/no control plane runs on .*: start one with `rollset up --data/);
});
