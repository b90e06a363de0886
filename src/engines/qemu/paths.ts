// Where the engine keeps what. Pure.
import path from 'node:path';
import type { Digest } from '../../model/image.ts';
import { EngineError } from '../engine.ts';
import { MAX_SOCKET_PATH_BYTES } from './limits.ts';

const VM_ID = /^[a-z0-9-]{1,64}$/;

export type VmPaths = {
  readonly folder: string;
  readonly definition: string;
  readonly process: string;
  readonly console: string;
  readonly errors: string;
  readonly initrd: string;
  readonly runtime: string;
  readonly monitorSocket: string;
  readonly agentSocket: string;
  readonly copySocket: string;
  readonly networkSocket: string;
  readonly passtSocket: string;
  osDisk(diskId: string): string;
  dataDisk(lun: number): string;
};

export type EnginePaths = {
  readonly vms: string;
  readonly images: string;
  readonly layers: string;
  readonly boot: string;
  readonly work: string;
  vm(vmId: string): VmPaths;
  layer(digest: Digest): string;
  bootFile(digest: Digest): string;
};

export function enginePaths(folders: {
  readonly dataFolder: string;
  readonly imagesFolder: string;
  readonly runtimeFolder: string;
}): EnginePaths {
  const vms = path.join(folders.dataFolder, 'vms');
  const images = folders.imagesFolder;
  const layers = path.join(images, 'layers');
  const boot = path.join(images, 'boot');
  return {
    vms,
    images,
    layers,
    boot,
    work: path.join(images, 'work'),
    vm: (vmId) => vmPaths(vms, folders.runtimeFolder, vmId),
    layer: (digest) => path.join(layers, `${fileNameOf(digest)}.qcow2`),
    bootFile: (digest) => path.join(boot, fileNameOf(digest)),
  };
}

function vmPaths(vms: string, runtimeFolder: string, vmId: string): VmPaths {
  if (!VM_ID.test(vmId)) throw new EngineError(`VM id ${JSON.stringify(vmId)} must match ${VM_ID}`);
  const folder = path.join(vms, vmId);
  const runtime = path.join(runtimeFolder, vmId);
  const paths: VmPaths = {
    folder,
    definition: path.join(folder, 'vm.json'),
    process: path.join(folder, 'process.json'),
    console: path.join(folder, 'console.log'),
    errors: path.join(folder, 'qemu.log'),
    initrd: path.join(folder, 'initrd.cpio'),
    runtime,
    monitorSocket: path.join(runtime, 'qmp'),
    agentSocket: path.join(runtime, 'agent'),
    copySocket: path.join(runtime, 'copy'),
    networkSocket: path.join(runtime, 'net'),
    passtSocket: path.join(runtime, 'passt'),
    osDisk: (diskId) => path.join(folder, `${checkDiskId(diskId)}.qcow2`),
    dataDisk: (lun) => path.join(folder, `lun${lun}.qcow2`),
  };
  const length = Buffer.byteLength(paths.agentSocket);
  if (length > MAX_SOCKET_PATH_BYTES)
    throw new EngineError(
      `socket path ${paths.agentSocket} has ${length} bytes, the limit is ${MAX_SOCKET_PATH_BYTES}: choose a shorter runtime folder`,
    );
  return paths;
}

function checkDiskId(diskId: string): string {
  if (!VM_ID.test(diskId) || /^lun\d+$/.test(diskId))
    throw new EngineError(
      `OS disk id ${JSON.stringify(diskId)} must match ${VM_ID} and not be lunN`,
    );
  return diskId;
}

function fileNameOf(digest: Digest): string {
  const match = /^sha256:([0-9a-f]{64})$/.exec(digest);
  if (match === null)
    throw new EngineError(`digest ${JSON.stringify(digest)} is not sha256:<64 hex>`);
  return `sha256-${match[1]}`;
}
