// The manifest files beside the image layers: one per version and region, for people and for
// copying an image folder by itself. The row in the store decides whether a version exists.
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ImageManifest } from '../model/image.ts';
import { writeFileAtomically } from '../support/atomic-file.ts';
import { manifestToJson } from './manifest.ts';

export type ManifestPlace = {
  readonly location: string;
  readonly gallery: string;
  readonly definition: string;
  readonly version: string;
};

export async function writeManifestFile(
  dataFolder: string,
  place: ManifestPlace,
  manifest: ImageManifest,
): Promise<void> {
  const path = manifestPath(dataFolder, place);
  await mkdir(dirname(path), { recursive: true });
  const text = `${JSON.stringify(manifestToJson(manifest), null, 2)}\n`;
  await writeFileAtomically(path, text, 0o644);
}

export async function removeManifestFile(dataFolder: string, place: ManifestPlace): Promise<void> {
  await rm(manifestPath(dataFolder, place), { force: true });
}

/** Half-written files, and manifests of versions that were never or are no longer published. */
export async function sweepManifestFiles(
  dataFolder: string,
  isPublished: (place: ManifestPlace) => boolean,
): Promise<readonly string[]> {
  const removed: string[] = [];
  const images = join(dataFolder, 'images');
  for (const location of await foldersIn(images)) {
    const root = join(images, location, 'manifests');
    for (const gallery of await foldersIn(root)) {
      for (const definition of await foldersIn(join(root, gallery))) {
        const folder = join(root, gallery, definition);
        for (const name of await readdir(folder)) {
          const version = /^(.+)\.json$/.exec(name)?.[1];
          const place = { location, gallery, definition, version: version ?? '' };
          if (version !== undefined && isPublished(place)) continue;
          await rm(join(folder, name), { force: true });
          removed.push(join(folder, name));
        }
      }
    }
  }
  return removed;
}

/** Names are folded, as Azure compares them without case. */
export function manifestPath(dataFolder: string, place: ManifestPlace): string {
  const { location, gallery, definition, version } = place;
  return join(
    dataFolder,
    'images',
    location.toLowerCase(),
    'manifests',
    gallery.toLowerCase(),
    definition.toLowerCase(),
    `${version}.json`,
  );
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}
