// The main job on real VMs, told in order: ship, upgrade through a kill -9, a bad version undone, a
// VM that dies, a host that reboots. One fleet serves all of them, as it would a user.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Machine, type Status, until } from './rollset.ts';

let machine: Machine;

beforeAll(async () => {
  machine = await Machine.prepare();
  await machine.up();
});
afterAll(async () => {
  await machine.dispose();
  expect(await machine.pids()).toEqual([]);
});

const allServing = (version: string) => (status: Status) =>
  status.instances.length === 3 &&
  status.instances.every(
    (each) => each.health === 'Healthy' && each.version === version && each.balancer === 'ready',
  );
const execSchema = z.object({ exitCode: z.number(), stdout: z.string() });

async function inVm(instance: string, script: string): Promise<string> {
  const { stdout } = await machine.run(['exec', instance, '--', 'sh', '-c', script]);
  return execSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).stdout;
}

/** Each instance has an entry of its own, written through the app. */
async function writeEntries(): Promise<Map<string, string>> {
  const written = new Map<string, string>();
  for (let i = 0; written.size < 3 && i < 60; i += 1) {
    const name = `entry-${i}`;
    const answer = await machine.app('POST', `/entries/${name}`, `text of ${name}`);
    expect(answer.code).toBe(201);
    if (!written.has(answer.instance)) written.set(answer.instance, name);
  }
  return written;
}

const hashes = () =>
  Promise.all(['0', '1', '2'].map((id) => inVm(id, 'cd /var/lib/app && sha256sum *-*')));

test('ship bakes 1.0.0, publishes it and starts three VMs that serve it', async () => {
  const result = await machine.run(['ship', '--version', '1.0.0']);
  expect(result.stderr).toContain('1.0.0');
  expect(result.code).toBe(0);
  expect(JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
    version: '1.0.0',
    steps: expect.arrayContaining([expect.objectContaining({ cached: false })]),
  });
  expect(allServing('1.0.0')(await machine.status())).toBe(true);
  expect((await machine.app('GET', '/version')).text).toBe('1.0.0');
});

test('a guest has its name, its data disk and its environment, and no way to the host', async () => {
  const facts = await inVm(
    '1',
    'hostname; findmnt -no SOURCE,FSTYPE /var/lib/app; tr "\\0" "\\n" </proc/$(pgrep -of server.pl)/environ | grep GREETING',
  );
  expect(facts).toMatch(/^\S*000001\n/);
  expect(facts).toMatch(/\/dev\/vd\w ext4/);
  expect(facts).toContain('GREETING=it\'s "quoted" $HOME');
  const { port } = new URL(machine.connection.endpoint);
  for (const host of ['10.0.2.2', '10.0.2.3', '127.0.0.1']) {
    const probe = `timeout 3 bash -c ': </dev/tcp/${host}/${port}' 2>/dev/null && echo open || echo shut`;
    expect(await inVm('1', probe)).toBe('shut\n');
  }
});

test('kill -9 of the control plane in the middle of a batch: the run goes on, no VM is swapped twice', async () => {
  await writeEntries();
  const before = await machine.status();
  const files = await hashes();
  await machine.change({ VERSION: '1.1.0\n' });
  const shipped = machine.run(['ship', '--version', '1.1.0', '--from', 'previous']);
  const inBatch = (status: Status) =>
    Object.values(status.run?.instances ?? {}).some(({ outcome }) => outcome === 'upgrading') &&
    status.instances.some((each) => each.power !== 'running' && each.instanceId === '0');
  await until('in a batch', () => machine.status(), inBatch, 180_000);
  process.kill(machine.connection.pid, 'SIGKILL');
  // Lost contact: what became of the roll-out is not known to the one who shipped.
  expect((await shipped).code).toBe(3);
  await machine.up();
  const after = await until('on 1.1.0', () => machine.status(), allServing('1.1.0'), 180_000);
  expect(after.run).toMatchObject({ state: 'Completed', targetVersion: '1.1.0' });
  expect(after.instances.map((each) => each.instanceId)).toEqual(['0', '1', '2']);
  const oldDisks = before.instances.map((each) => each.diskId);
  expect(after.instances.every((each) => !oldDisks.includes(each.diskId))).toBe(true);
  // An instance serves a moment before its report is written.
  const reports = await until(
    'reported',
    async () => (await machine.swapReports()).filter((each) => each.runId === after.run?.runId),
    (seen) => seen.length >= 3,
  );
  expect(reports.map((each) => [each.instanceId, each.kind, each.outcome])).toEqual(
    ['0', '1', '2'].map((id) => [id, 'upgrade', 'healthy']),
  );
  expect(reports.every((each) => each.dataDisksIdentical)).toBe(true);
  expect(reports.every((each) => each.dataDisksAfter.every((disk) => disk.clean === true))).toBe(
    true,
  );
  expect(new Set(reports.map((each) => each.toDiskId)).size).toBe(3);
  expect(await hashes()).toEqual(files);
});

test('a version that is healthy on empty disks only is undone by itself and kept out', async () => {
  const before = await machine.status();
  const files = await hashes();
  await machine.change({ VERSION: '1.2.0\n', BAD: '' });
  const result = await machine.run(['ship', '--version', '1.2.0', '--from', 'previous']);
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade');
  const after = await until('back on 1.1.0', () => machine.status(), allServing('1.1.0'));
  expect(after.instances.map((each) => each.diskId)).toEqual(
    before.instances.map((each) => each.diskId),
  );
  expect(await hashes()).toEqual(files);
  const versions = await machine.run(['versions']);
  expect(versions.stdout).toContain('quarantined');
});

test('a VM that dies is brought back with its data; clients hardly notice', async () => {
  const files = await hashes();
  const [victim] = await machine.pids(/qemu-system/);
  process.kill(victim ?? 0, 'SIGKILL');
  await until(
    'back',
    () => machine.status(),
    (s) => !allServing('1.1.0')(s),
    30_000,
  );
  await until('back', () => machine.status(), allServing('1.1.0'));
  expect(await hashes()).toEqual(files);
});

test('after a reboot of the host, up brings the fleet back with its data', async () => {
  const files = await hashes();
  for (const pid of await machine.pids()) process.kill(pid, 'SIGKILL');
  process.kill(machine.connection.pid, 'SIGKILL');
  await until(
    'nothing runs',
    () => machine.pids(),
    (pids) => pids.length === 0,
  );
  await machine.up();
  await until('back', () => machine.status(), allServing('1.1.0'), 120_000);
  expect(await hashes()).toEqual(files);
  expect((await machine.app('GET', '/version')).text).toBe('1.1.0');
});

test('a second up on the same data is refused; down stops everything and up brings it back', async () => {
  const second = await machine.run(['up', '--listen', '127.0.0.1:0']);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain('another control plane is already running');
  expect((await machine.run(['down'])).code).toBe(0);
  expect(await machine.pids()).toEqual([]);
});
