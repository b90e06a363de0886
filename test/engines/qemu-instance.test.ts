// What an instance on QEMU is: told who it is, cut off from the host, safe with its data.
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../src/engines/conformance.ts';
import type { VmSpec } from '../../src/engines/engine.ts';
import { findProcessByArgument } from '../../src/engines/qemu/process.ts';
import { readProcess, writeProcess } from '../../src/engines/qemu/record.ts';
import { monitorArgument } from '../../src/engines/qemu/vm-process.ts';
import { qemuHarness, type QemuHarness, runIn, VM_USER } from './harness.ts';
import { hostListeners, PACKETS_BY_HAND, reachScript } from './reachability.ts';

const VM = 'instance-0';
const MIB = 1024 * 1024;

const BOOTHOOK = `#cloud-boothook
#!/bin/sh
mkdir -p /etc/rollset
echo "GREETING=hello" >/etc/rollset/environment
echo boot >>/var/lib/boots
disk=/dev/disk/azure/scsi1/lun2
blkid $disk >/dev/null || mkfs.ext4 -q $disk
mkdir -p /data && mount $disk /data
`;
const SCRIPT = '#!/bin/sh\necho ran >>/var/lib/script-runs\n';
const CUSTOM_DATA = [
  'Content-Type: multipart/mixed; boundary="parts"',
  'MIME-Version: 1.0',
  '',
  '--parts',
  'Content-Type: text/cloud-boothook',
  '',
  BOOTHOOK,
  '--parts',
  'Content-Type: text/x-shellscript',
  '',
  SCRIPT,
  '--parts--',
  '',
].join('\n');

let harness: QemuHarness;
let engine: QemuHarness['engine'];

function spec(diskId: string): VmSpec {
  return {
    vmId: VM,
    kind: 'instance',
    label: 'guestbook_0',
    hostname: 'guestbook-0',
    vCPUs: 1,
    memoryMib: 256,
    osDisk: { diskId, image: harness.image, tags: {} },
    dataDisks: [{ lun: 2, sizeBytes: 64 * MIB }],
    ports: [8080],
    egress: false,
    adminUsername: 'azureuser',
    sshPublicKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO test'],
    customData: Buffer.from(CUSTOM_DATA).toString('base64'),
  };
}

const run = (command: string): Promise<string> => runIn(engine, VM, command);
const report = () => until('the guest reports', () => engine.guestReport(VM));

async function restart(): Promise<void> {
  await engine.powerOff(VM, { graceMs: 30_000 });
  await engine.start(VM);
  await report();
}

beforeAll(async () => {
  harness = await qemuHarness();
  engine = harness.engine;
  await engine.create(spec('disk-1'));
  await engine.start(VM);
  await report();
});
afterAll(() => harness.dispose());

test('the accelerator is one that works here', async () => {
  const { accelerator, version } = await engine.describe();
  expect(['kvm', 'tcg']).toContain(accelerator);
  expect(version).toMatch(/^\d+\.\d+/);
});

test('QEMU runs unprivileged and sandboxed', async () => {
  const status = await readFile(`/proc/${await harness.pidOf(VM)}/status`, 'utf8');
  const field = (name: string): string =>
    new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? '';
  const uid = process.getuid?.() === 0 ? VM_USER.uid : process.getuid?.();
  expect(field('Uid').split('\t')).toEqual(Array.from({ length: 4 }, () => String(uid)));
  expect(field('CapEff')).toBe('0000000000000000');
  expect(field('NoNewPrivs')).toBe('1');
  expect(field('Seccomp')).toBe('2');
  if (process.getuid?.() === 0) {
    expect(field('Groups').trim()).toBe('');
    expect(field('CapBnd')).toBe('0000000000000000');
  }
});

test('the guest is who it was told to be', async () => {
  expect(await run('hostname; cat /etc/hostname; getent hosts guestbook-0')).toMatch(
    /^guestbook-0\nguestbook-0\n127\.0\.1\.1\s+guestbook-0/,
  );
  expect(await run('cat /etc/machine-id')).toMatch(/^[0-9a-f]{32}\n$/);
  expect(await run('id -un azureuser; runuser -u azureuser -- sudo -n id -un')).toBe(
    'azureuser\nroot\n',
  );
  expect(await run('cat ~azureuser/.ssh/authorized_keys; stat -c "%a %U" ~azureuser/.ssh')).toBe(
    `${spec('x').sshPublicKeys[0]}\n700 azureuser\n`,
  );
});

test('customData is delivered as it was given, readable by root only', async () => {
  expect(await run('cat /var/lib/waagent/CustomData')).toBe(CUSTOM_DATA);
  expect(await run('stat -c %a /var/lib/waagent/CustomData')).toBe('600\n');
});

test('a boothook runs at every boot, a script once per OS disk', async () => {
  const scriptRuns = () =>
    until('the script has run', async () => {
      const text = await run('cat /var/lib/script-runs 2>/dev/null; true');
      return text === '' ? undefined : text;
    });
  await scriptRuns();
  await restart();
  await run('systemctl is-system-running --wait || true');
  expect(await run('cat /var/lib/boots')).toBe('boot\nboot\n');
  expect(await scriptRuns()).toBe('ran\n');
  expect(await run('cat /etc/rollset/environment')).toBe('GREETING=hello\n');
});

test('systemd is content with the fast profile', async () => {
  expect(await run('systemctl is-system-running --wait || true')).toBe('running\n');
  expect(await run('systemctl --failed --no-legend')).toBe('');
  expect(
    await run(
      'logger hello-journal; journalctl --sync; journalctl -b --no-pager | grep -c hello-journal',
    ),
  ).not.toBe('0\n');
});

test('a data disk is unmounted cleanly by a power-off under load, and is the same disk after a reimage', async () => {
  const [before] = (await report()).dataDisks;
  expect(before?.filesystemUuid).toMatch(/^[0-9a-f-]{36}$/);
  await run('echo kept >/data/entry; (while :; do date >>/data/busy; done) >/dev/null 2>&1 &');
  await engine.powerOff(VM, { graceMs: 30_000 });
  await engine.reimage(spec('disk-2'));
  await engine.start(VM);
  expect(await report()).toEqual({
    diskId: 'disk-2',
    firstBoot: true,
    dataDisks: [{ ...before, clean: true }],
  });
  expect(await run('cat /data/entry; cat /var/lib/boots')).toBe('kept\nboot\n');
});

test('kill -9 of QEMU loses nothing that was synced, and is told as unclean', async () => {
  await run('echo precious >/data/precious; echo here >/root/here; sync');
  await harness.killFromOutside?.(VM);
  await until('the VM is off', async () =>
    (await engine.find(VM))?.power === 'stopped' ? true : undefined,
  );
  await engine.start(VM);
  expect(await report()).toMatchObject({ firstBoot: false, dataDisks: [{ lun: 2, clean: false }] });
  expect(await run('cat /data/precious /root/here')).toBe('precious\nhere\n');
});

test('a VM whose pid was never written down is found again, and not started twice', async () => {
  const pid = await harness.pidOf(VM);
  const paths = harness.vmPaths(VM);
  const record = await readProcess(paths);
  if (record === undefined) throw new Error('no record of the process');
  // As a control plane leaves it that dies between spawning QEMU and recording it.
  await engine.close();
  await writeProcess(paths, { startedAtMs: record.startedAtMs, forwards: record.forwards });
  engine = await harness.reopen();
  await engine.start(VM);
  expect(await harness.pidOf(VM)).toBe(pid);
  expect((await findProcessByArgument(monitorArgument(paths)))?.pid).toBe(pid);
  expect(await report()).toMatchObject({ diskId: 'disk-2' });
});

test('the guest reaches nothing of the host, however its root tries', async () => {
  const host = await hostListeners();
  try {
    const reach = () => run(reachScript(host.addresses, host.port));
    const heard: string[] = [await reach()];
    await run(PACKETS_BY_HAND);
    heard.push(await reach());
    expect(heard.join('')).not.toContain(host.secret);
    expect(host.visits()).toEqual([]);
  } finally {
    await host.close();
  }
});
