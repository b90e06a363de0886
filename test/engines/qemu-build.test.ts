// What a build VM on QEMU can do: reach the outside but not the host, take files, become a layer.
import { lookup } from 'node:dns/promises';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../src/engines/conformance.ts';
import type { VmSpec } from '../../src/engines/engine.ts';
import { digestOfFile } from '../../src/engines/qemu/files.ts';
import type { ImageManifest } from '../../src/model/image.ts';
import { qemuHarness, type QemuHarness, runIn } from './harness.ts';
import { hostListeners, PACKETS_BY_HAND, reachScript } from './reachability.ts';

const BUILD = 'build-0';
const MIB = 1024 * 1024;

let harness: QemuHarness;
let engine: QemuHarness['engine'];
let folder: string;
let captured: ImageManifest;

function spec(vmId: string, kind: VmSpec['kind'], image: ImageManifest): VmSpec {
  return {
    vmId,
    kind,
    label: `${kind} of a test`,
    hostname: kind,
    vCPUs: 1,
    memoryMib: 512,
    // The same disk id in both VMs, as a caller may choose: they are different disks.
    osDisk: { diskId: 'os', image, tags: {} },
    dataDisks: [],
    ports: [],
    egress: kind === 'build',
    adminUsername: 'packer',
    sshPublicKeys: [],
  };
}

async function boot(vm: VmSpec): Promise<void> {
  await engine.create(vm);
  await engine.start(vm.vmId);
  await until('the guest reports', () => engine.guestReport(vm.vmId));
}

const run = (command: string, user?: string): Promise<string> =>
  runIn(engine, BUILD, command, user);

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'rollset-build-'));
  harness = await qemuHarness();
  engine = harness.engine;
  await boot(spec(BUILD, 'build', harness.image));
});
afterAll(async () => {
  await harness.dispose();
  await rm(folder, { recursive: true, force: true });
});

test('the base image holds Debian and nothing of the machine that made it', async () => {
  expect(await run('cat /etc/apt/sources.list; ls /etc/apt/sources.list.d')).toBe(
    'deb http://deb.debian.org/debian bookworm main\n' +
      'deb http://deb.debian.org/debian bookworm-updates main\n' +
      'deb http://security.debian.org/debian-security bookworm-security main\n',
  );
  expect(await run('grep -ri proxy /etc/apt /etc/environment /etc/profile 2>/dev/null; true')).toBe(
    '',
  );
  expect(await run('ls /etc/ssh/ssh_host_* 2>/dev/null; command -v python3; true')).toBe('');
});

test('it has a resolver and the outside', async (context) => {
  // Only where the host itself has it.
  const reachable = await lookup('deb.debian.org').then(
    () => true,
    () => false,
  );
  if (!reachable) {
    context.skip();
    return;
  }
  expect(await run('getent hosts deb.debian.org')).toMatch(/\S+\s+deb\.debian\.org/);
  const connect = "timeout 20 bash -c ': </dev/tcp/deb.debian.org/80' && echo connected";
  expect(await run(connect)).toBe('connected\n');
});

test('it reaches nothing of the host, however its root tries', async () => {
  const host = await hostListeners();
  try {
    const heard = [await run(reachScript(host.addresses, host.port))];
    await run(PACKETS_BY_HAND);
    heard.push(await run(reachScript(host.addresses, host.port)));
    expect(heard.join('')).not.toContain(host.secret);
    expect(host.visits()).toEqual([]);
  } finally {
    await host.close();
  }
});

test('commands run as the ordinary user of a build, in its home, and its output streams', async () => {
  const seen: { text: string; atMs: number }[] = [];
  const began = Date.now();
  const result = await engine.exec(
    BUILD,
    'id -un; pwd; echo $HOME; sleep 1; echo end >&2; exit 7',
    {
      timeoutMs: 60_000,
      user: 'packer',
      onOutput: (text) => seen.push({ text, atMs: Date.now() - began }),
    },
  );
  expect(result).toEqual({
    exitCode: 7,
    stdout: 'packer\n/home/packer\n/home/packer\n',
    stderr: 'end\n',
    timedOut: false,
  });
  const [first, last] = [seen.at(0), seen.at(-1)];
  expect(seen.map(({ text }) => text).join('')).toBe('packer\n/home/packer\n/home/packer\nend\n');
  expect((last?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(500);
});

test('a command that takes too long takes its children with it', async () => {
  const command = '(sleep 987 & sleep 987) & sleep 987';
  const result = await engine.exec(BUILD, command, { timeoutMs: 1_000, user: 'packer' });
  expect(result.timedOut).toBe(true);
  expect(await run('ps -eo args | grep -c "^sleep 987"; true')).toBe('0\n');
});

test('much output comes whole', async () => {
  let bytes = 0;
  await engine.exec(BUILD, 'seq 1 200000', {
    timeoutMs: 120_000,
    onOutput: (text) => {
      bytes += text.length;
    },
  });
  expect(bytes).toBe(1_288_895);
});

test('files of any size arrive with mode and owner', async () => {
  for (const size of [0, 20 * MIB + 1]) {
    const file = path.join(folder, 'file');
    await writeFile(file, randomBytes(size));
    await engine.copyIn(BUILD, file, '/tmp/arrived', { mode: 0o640, user: 'packer' });
    const digest = (await digestOfFile(file)).slice('sha256:'.length);
    expect(await run('stat -c "%s %a %U" /tmp/arrived; sha256sum </tmp/arrived')).toBe(
      `${size} 640 packer\n${digest}  -\n`,
    );
  }
  await expect(
    engine.copyIn(BUILD, path.join(folder, 'file'), '/no/such/folder/file', { mode: 0o600 }),
  ).rejects.toThrow(/there is no folder/);
});

test('a running build cannot be captured', async () => {
  await expect(engine.capture(BUILD)).rejects.toThrow(/power it off/);
});

test('its disk becomes one layer, without what was deleted', async () => {
  await run('echo v1 >/opt/marker; rm -f /tmp/arrived; sync');
  await engine.powerOff(BUILD, { graceMs: 30_000 });
  captured = await engine.capture(BUILD);
  expect(captured.layers.slice(0, -1)).toEqual(harness.image.layers);
  expect(captured.layers).toHaveLength(2);
  // 20 MB were written and deleted; what stays is what a boot and a marker write.
  expect(captured.layers.at(-1)?.sizeBytes).toBeLessThan(20 * MIB);
  expect(await engine.capture(BUILD)).toEqual(captured);
  expect(await engine.hasImage(captured)).toBe(true);
  const layers = await engine.listLayers();
  expect(layers.filter(({ base }) => base)).toHaveLength(1);
  expect(layers.filter(({ base }) => !base)).toHaveLength(1);
});

test('a VM of the new image boots with it, as a new machine', async () => {
  const vm = spec('validation-0', 'validation', captured);
  await engine.delete(BUILD);
  await boot(vm);
  expect(await engine.guestReport(vm.vmId)).toMatchObject({ firstBoot: true });
  expect(await runIn(engine, vm.vmId, 'cat /opt/marker; hostname')).toBe('v1\nvalidation\n');
  await engine.delete(vm.vmId);
});

test('an image with a lost layer is refused by name', async () => {
  const top = captured.layers.at(-1);
  if (top === undefined) throw new Error('nothing was captured');
  await engine.removeLayer(top.digest);
  expect(await engine.hasImage(captured)).toBe(false);
  await expect(engine.create(spec('late-0', 'validation', captured))).rejects.toThrow(
    /1 of the image's files are missing/,
  );
});
