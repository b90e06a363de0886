// Turns a powered-off build VM's OS disk into one immutable layer on top of the image it started from.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { Ids } from '../../support/ids.ts';
import type { ImageManifest } from '../../model/image.ts';
import type { VmSpec } from '../engine.ts';
import { topLayer } from './disks.ts';
import { runHostCommand } from './host-command.ts';
import { addLayer, ensureImageFolders, requireImage } from './layers.ts';
import type { EnginePaths } from './paths.ts';

export async function captureLayer(
  paths: EnginePaths,
  spec: VmSpec,
  ids: Ids,
): Promise<ImageManifest> {
  const what = `cannot capture the OS disk of VM ${spec.vmId}`;
  const { image } = spec.osDisk;
  await requireImage(paths, image, what);
  await ensureImageFolders(paths);
  const source = paths.vm(spec.vmId).osDisk(spec.osDisk.diskId);
  // In the layers' own folder, so that the relative backing name is right from the start.
  const temporary = path.join(paths.layers, `.new-${ids.short(12)}.qcow2`);
  try {
    // The overlay is one layer, so -B keeps exactly what was written since the start of the VM.
    // Converting drops what was trimmed, which stays in the overlay's length. Written in order (no
    // -W), so that the same disk gives the same layer again.
    const top = topLayer(paths, image);
    const backing = ['-B', path.basename(top), '-F', 'qcow2'];
    await runHostCommand(
      what,
      'qemu-img',
      ['convert', '-f', 'qcow2', '-O', 'qcow2', ...backing, source, temporary],
      { cwd: paths.layers },
    );
    await runHostCommand(`${what}: the layer differs from the disk`, 'qemu-img', [
      'compare',
      '-f',
      'qcow2',
      '-F',
      'qcow2',
      source,
      temporary,
    ]);
    const layer = await addLayer(paths, temporary, image.layers.at(-1));
    return { ...image, layers: [...image.layers, layer] };
  } finally {
    await rm(temporary, { force: true });
  }
}
