import { expect, test } from 'vitest';
import type { VmSpec } from '../engine.ts';
import {
  acceleratorArguments,
  escapeOption,
  kernelParameters,
  passtArguments,
  qemuArguments,
  unprivilegedCommand,
} from './arguments.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const spec: VmSpec = {
  vmId: 'vm-0',
  kind: 'instance',
  label: 'guestbook_0',
  hostname: 'guestbook-0',
  vCPUs: 1,
  memoryMib: 256,
  osDisk: {
    diskId: 'disk-1',
    image: {
      layers: [{ digest, sizeBytes: 1 }],
      boot: { kernel: digest, modules: digest, release: '6.1' },
      osDiskSizeBytes: 1,
    },
    tags: {},
  },
  dataDisks: [{ lun: 3, sizeBytes: 1 }],
  ports: [8080],
  egress: false,
  sshPublicKeys: [],
};
const files = {
  kernel: '/i/kernel',
  initrd: '/v/initrd.cpio',
  osDisk: '/v/disk-1.qcow2',
  dataDisks: [{ lun: 3, file: '/v/lun3.qcow2' }],
  console: '/v/console.log',
  monitorSocket: '/r/qmp',
  agentSocket: '/r/agent',
  copySocket: '/r/copy',
  networkSocket: '/r/net',
};
const forwards = [{ guestPort: 8080, port: 34_567 }];
const lineOf = (vm: VmSpec): string => qemuArguments(vm, files, forwards, 'tcg').join(' ');

test('an instance: no way out, durable disks, all denied to QEMU itself', () => {
  const line = lineOf(spec);
  expect(line).toContain(
    'user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:34567-10.0.2.15:8080',
  );
  expect(line).toContain('file=/v/disk-1.qcow2,if=none,id=os,format=qcow2,cache=writeback');
  expect(line).toContain('virtio-blk-pci,drive=os,serial=os');
  expect(line).toContain('file=/v/lun3.qcow2,if=none,id=lun3,format=qcow2,cache=writeback');
  expect(line).toContain('virtio-blk-pci,drive=lun3,serial=lun3');
  expect(line).toContain(
    '-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
  );
  expect(line).not.toContain('rollset.copy');
});

test('a build: the outside through its socket, a disk that may be lost, a port for files', () => {
  const line = lineOf({ ...spec, kind: 'build', egress: true });
  expect(line).toContain('stream,id=net,server=off,addr.type=unix,addr.path=/r/net');
  expect(line).not.toContain('user,id=net');
  expect(line).toContain('cache=unsafe,discard=unmap,detect-zeroes=unmap');
  expect(line).toContain('virtserialport,id=copy-port,chardev=copy,name=rollset.copy.0');
});

test('data disks are durable whatever the VM is for', () => {
  const line = lineOf({ ...spec, kind: 'validation' });
  expect(line).toContain('file=/v/lun3.qcow2,if=none,id=lun3,format=qcow2,cache=writeback');
});

test('a label cannot add options of its own', () => {
  expect(lineOf({ ...spec, label: 'x,debug-threads=on' })).toContain('guest=x,,debug-threads=on');
  expect(escapeOption('a,b')).toBe('a,,b');
});

test('only an emulated single processor does without its APIC timer', () => {
  expect(kernelParameters(1, 'tcg')).toContain('nolapic_timer');
  expect(kernelParameters(2, 'tcg')).not.toContain('nolapic_timer');
  expect(kernelParameters(1, 'kvm')).not.toMatch(/nolapic_timer|tsc=reliable/);
  expect(acceleratorArguments('kvm')).toEqual(['-accel', 'kvm', '-cpu', 'host']);
});

test('passt has no gateway to the host, and listens on loopback only', () => {
  const line = passtArguments('/r/passt', forwards).join(' ');
  expect(line).toContain('--no-map-gw');
  expect(line).toContain('--tcp-ports 127.0.0.1/34567:8080');
  expect(passtArguments('/r/passt', []).join(' ')).toContain('--tcp-ports none');
});

test('privileges are dropped before the program begins', () => {
  expect(unprivilegedCommand({ uid: 7, gid: 8 }, ['qemu', 'x']).join(' ')).toBe(
    'setpriv --reuid=7 --regid=8 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all qemu x',
  );
  expect(unprivilegedCommand({ uid: 7, gid: 8, groups: [104] }, ['qemu'])).toContain(
    '--groups=104',
  );
  expect(unprivilegedCommand(undefined, ['qemu'])).toEqual(['setpriv', '--no-new-privs', 'qemu']);
});
