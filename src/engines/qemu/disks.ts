// A VM's disk files: OS overlays over immutable layers, and data disks of their own.
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ImageManifest } from '../../model/image.ts';
import type { VmSpec } from '../engine.ts';
import { EngineError } from '../engine.ts';
import { type FileOwner, fileExists, giveTo, syncFolder } from './files.ts';
import { runHostCommand } from './host-command.ts';
import type { EnginePaths, VmPaths } from './paths.ts';

/** Only the VM's user may read or write a disk. */
const DISK_MODE = 0o600;

/** A fresh overlay over the image's top layer; the name appears when the disk is whole. */
export async function ensureOsDisk(
  paths: EnginePaths,
  vm: VmPaths,
  spec: VmSpec,
  owner: FileOwner | undefined,
): Promise<void> {
  const file = vm.osDisk(spec.osDisk.diskId);
  if (await fileExists(file)) return;
  await makeDisk(
    file,
    owner,
    [
      // The relative name keeps the data folder movable; -F is mandatory.
      '-b',
      path.relative(vm.folder, topLayer(paths, spec.osDisk.image)),
      '-F',
      'qcow2',
      '-o',
      'lazy_refcounts=off,extended_l2=off',
    ],
    [],
  );
}

/** Made by `create` only: a missing data disk later is a loss to be told, not to be papered over. */
export async function ensureDataDisks(
  vm: VmPaths,
  spec: VmSpec,
  owner: FileOwner | undefined,
): Promise<void> {
  for (const disk of spec.dataDisks) {
    const file = vm.dataDisk(disk.lun);
    if (!(await fileExists(file))) await makeDisk(file, owner, [], [String(disk.sizeBytes)]);
  }
}

export async function requireDataDisks(vm: VmPaths, spec: VmSpec): Promise<void> {
  for (const { lun } of spec.dataDisks)
    if (!(await fileExists(vm.dataDisk(lun))))
      throw new EngineError(
        `VM ${spec.vmId}: its data disk lun ${lun} is missing (${vm.dataDisk(lun)}); it is not made anew, because that would hide a loss`,
      );
}

export function topLayer(paths: EnginePaths, image: ImageManifest): string {
  const top = image.layers.at(-1);
  if (top === undefined) throw new EngineError('an image without layers cannot be started');
  return paths.layer(top.digest);
}

async function makeDisk(
  file: string,
  owner: FileOwner | undefined,
  options: readonly string[],
  size: readonly string[],
): Promise<void> {
  const folder = path.dirname(file);
  // Same folder as the final name: the backing file is looked up relative to it.
  const temporary = path.join(folder, `.${path.basename(file)}.new`);
  await mkdir(folder, { recursive: true });
  await rm(temporary, { force: true });
  const args = ['create', '-q', '-f', 'qcow2', ...options, temporary, ...size];
  await runHostCommand(`cannot make the disk ${file}`, 'qemu-img', args);
  await giveTo(temporary, owner, DISK_MODE);
  await rename(temporary, file);
  await syncFolder(folder);
}
