import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { VmSpec } from '../engine.ts';
import { enginePaths } from './paths.ts';
import {
  listOsDisks,
  readDefinition,
  readProcess,
  writeDefinition,
  writeProcess,
} from './record.ts';

const digest = `sha256:${'b'.repeat(64)}`;
const spec: VmSpec = {
  vmId: 'vm-0',
  kind: 'instance',
  label: 'x',
  hostname: 'x',
  vCPUs: 1,
  memoryMib: 64,
  osDisk: {
    diskId: 'disk-1',
    image: {
      layers: [{ digest, sizeBytes: 5 }],
      boot: { kernel: digest, modules: digest, release: '6.1' },
      osDiskSizeBytes: 7,
    },
    tags: { simulate: 'unhealthy' },
  },
  dataDisks: [{ lun: 0, sizeBytes: 9 }],
  ports: [80],
  egress: false,
  adminUsername: 'a',
  sshPublicKeys: ['k'],
  customData: 'eA==',
};

async function vmPaths() {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rollset-record-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return {
    ...enginePaths({ dataFolder: folder, imagesFolder: folder, runtimeFolder: '/run/x' }).vm(
      'vm-0',
    ),
    folder,
    definition: path.join(folder, 'vm.json'),
    process: path.join(folder, 'process.json'),
  };
}

test('what is written is read back', async () => {
  const paths = await vmPaths();
  expect(await readDefinition(paths)).toBeUndefined();
  expect(await readProcess(paths)).toBeUndefined();
  await writeDefinition(paths, spec);
  expect(await readDefinition(paths)).toEqual(spec);
  const record = {
    startedAtMs: 5,
    forwards: [{ guestPort: 80, port: 81 }],
    pid: 7,
    startTicks: '9',
  };
  await writeProcess(paths, record);
  expect(await readProcess(paths)).toEqual(record);
});

test('a damaged record is an error that names the file and the field', async () => {
  const paths = await vmPaths();
  await writeFile(paths.definition, '{');
  await expect(readDefinition(paths)).rejects.toThrow(/vm\.json is not JSON/);
  await writeFile(paths.definition, JSON.stringify({ ...spec, vCPUs: 0 }));
  await expect(readDefinition(paths)).rejects.toThrow(/vm\.json is damaged: [^]*vCPUs/);
});

test('OS disks are told from data disks and from half-made ones', async () => {
  const paths = await vmPaths();
  for (const name of [
    'disk-1.qcow2',
    'disk-2.qcow2',
    'lun0.qcow2',
    '.disk-3.qcow2.new',
    'console.log',
  ])
    await writeFile(path.join(paths.folder, name), '');
  expect([...(await listOsDisks(paths))].toSorted()).toEqual(['disk-1', 'disk-2']);
});

test('ids that are no names, and sockets that would be too long, are refused', () => {
  const paths = enginePaths({ dataFolder: '/d', imagesFolder: '/i', runtimeFolder: '/run/x' });
  expect(() => paths.vm('../x')).toThrow(/must match/);
  expect(() => paths.vm('vm-0').osDisk('lun0')).toThrow(/not be lunN/);
  expect(() => paths.layer('sha256:../../etc')).toThrow(/is not sha256/);
  const deep = enginePaths({
    dataFolder: '/d',
    imagesFolder: '/i',
    runtimeFolder: `/${'x'.repeat(60)}`,
  });
  expect(() => deep.vm('v'.repeat(64))).toThrow(/the limit is 107/);
});
