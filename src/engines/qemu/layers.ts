// Immutable, content-addressed image layers of one location, and the boot files beside them.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { writeFileAtomically } from '../../support/atomic-file.ts';
import path from 'node:path';
import { z } from 'zod';
import type { Digest, ImageLayer, ImageManifest } from '../../model/image.ts';
import { EngineError } from '../engine.ts';
import { digestOfBytes, digestOfFile, fileExists, fileSize, publishFile } from './files.ts';
import { runHostCommand } from './host-command.ts';
import type { EnginePaths } from './paths.ts';

/** Layers are shared by VMs and by versions: nobody writes them, the owner included. */
const LAYER_MODE = 0o444;

export async function ensureImageFolders(paths: EnginePaths): Promise<void> {
  for (const folder of [paths.layers, paths.boot, paths.work])
    await mkdir(folder, { recursive: true, mode: 0o755 });
}

/** The files of an image that are not here or have another size; empty when all is whole. */
export async function missingFiles(
  paths: EnginePaths,
  image: ImageManifest,
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const layer of image.layers)
    if ((await fileSize(paths.layer(layer.digest))) !== layer.sizeBytes)
      missing.push(paths.layer(layer.digest));
  for (const digest of [image.boot.kernel, image.boot.modules])
    if (!(await fileExists(paths.bootFile(digest)))) missing.push(paths.bootFile(digest));
  return missing;
}

export async function requireImage(
  paths: EnginePaths,
  image: ImageManifest,
  what: string,
): Promise<void> {
  const missing = await missingFiles(paths, image);
  if (missing.length > 0)
    throw new EngineError(
      `${what}: ${missing.length} of the image's files are missing or cut short, first ${missing[0]}`,
    );
}

/**
 * Moves a finished qcow2 file from the work folder into the layers. `parent` is the layer below,
 * whose name the file already holds. The same content twice is one file.
 */
export async function addLayer(
  paths: EnginePaths,
  temporary: string,
  parent: ImageLayer | undefined,
): Promise<ImageLayer> {
  const digest = await digestOfFile(temporary);
  const layer = { digest, sizeBytes: (await fileSize(temporary)) ?? 0 };
  const place = paths.layer(digest);
  if ((await fileSize(place)) === layer.sizeBytes) await rm(temporary);
  else await publishFile(temporary, place, LAYER_MODE);
  await verifyParent(place, parent === undefined ? undefined : paths.layer(parent.digest));
  return layer;
}

export async function addBootFile(paths: EnginePaths, content: Uint8Array): Promise<Digest> {
  const digest = digestOfBytes(content);
  const place = paths.bootFile(digest);
  if ((await fileSize(place)) !== content.byteLength)
    await writeFileAtomically(place, content, LAYER_MODE);
  return digest;
}

const LAYER_NAME = /^sha256-([0-9a-f]{64})\.qcow2$/;

export async function listLayerFiles(paths: EnginePaths): Promise<readonly ImageLayer[]> {
  const found: ImageLayer[] = [];
  for (const name of await readdir(paths.layers)) {
    const hex = LAYER_NAME.exec(name)?.[1];
    const sizeBytes = await fileSize(path.join(paths.layers, name));
    if (hex !== undefined && sizeBytes !== undefined)
      found.push({ digest: `sha256:${hex}`, sizeBytes });
  }
  return found;
}

/** The caller knows that no image and no disk needs it. */
export async function removeLayerFile(paths: EnginePaths, digest: Digest): Promise<void> {
  await rm(paths.layer(digest), { force: true });
}

const chainSchema = z.array(
  z.object({ filename: z.string(), 'full-backing-filename': z.string().optional() }),
);

/** qemu-img accepts a backing name that leads nowhere, so the chain is looked at after it is made. */
async function verifyParent(layer: string, parent: string | undefined): Promise<void> {
  const what = `cannot verify the layer ${path.basename(layer)}`;
  const args = ['info', '--force-share', '--backing-chain', '--output=json', layer];
  const { stdout } = await runHostCommand(what, 'qemu-img', args);
  const [top, below] = chainSchema.parse(JSON.parse(stdout));
  if (top?.['full-backing-filename'] !== parent || below?.filename !== parent)
    throw new EngineError(
      `${what}: it stands on ${top?.['full-backing-filename'] ?? 'nothing'} and not on ${parent ?? 'nothing'}`,
    );
}
