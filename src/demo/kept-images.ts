// Keeps the image folder of one demo's control plane for the next one, for the base image in it:
// making that takes longer than anything else. What else lies there is content-addressed, and a
// control plane removes at its start what its own data does not use.
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** As root a folder nobody else can write to: VMs boot from what lies in it. */
export function keptImagesFolder(): string {
  const caches = process.getuid?.() === 0 ? '/var/cache' : join(homedir(), '.cache');
  return join(caches, 'rollset', 'demo-images');
}

/** Gives the kept images to a new data folder. False when there are none. */
export async function takeKeptImages(dataFolder: string, kept: string): Promise<boolean> {
  await mkdir(dataFolder, { recursive: true, mode: 0o711 });
  return await move(kept, join(dataFolder, 'images'));
}

/** For the next demo, once nothing uses the data folder any more. */
export async function keepImages(dataFolder: string, kept: string): Promise<void> {
  await mkdir(dirname(kept), { recursive: true, mode: 0o711 });
  await rm(kept, { recursive: true, force: true });
  await move(join(dataFolder, 'images'), kept);
}

/** By renaming, so that two demos cannot take the same; copied where that is another file system. */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return false;
    if (code !== 'EXDEV') throw error;
  }
  const half = `${to}.half`;
  await cp(from, half, { recursive: true });
  await rename(half, to);
  await rm(from, { recursive: true, force: true });
  return true;
}
