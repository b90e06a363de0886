// The real base image for tests, made once per machine and shared by hard links.
import { copyFile, link, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { QemuEngine } from '../../src/engines/qemu/qemu-engine.ts';
import type { ImageManifest } from '../../src/model/image.ts';
import { systemClock } from '../../src/support/clock.ts';
import { randomIds } from '../../src/support/ids.ts';

/** Kept between runs; `ROLLSET_TEST_CACHE` moves it. */
export const TEST_CACHE =
  process.env['ROLLSET_TEST_CACHE'] ?? path.join(os.tmpdir(), 'rollset-test-cache');

/**
 * Puts the base image `debian-12` into `imagesFolder` (an engine's `imagesFolder`, by default
 * `<dataFolder>/images/local`) so that `ensureBaseImage` finds it there. The first call on a machine
 * takes about a minute, later ones some ms.
 */
export async function testBaseImage(imagesFolder: string): Promise<ImageManifest> {
  const cached = path.join(TEST_CACHE, 'images');
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'rollset-base-'));
  const options = {
    clock: systemClock,
    ids: randomIds,
    accelerator: 'tcg',
    logger: () => undefined,
  } as const;
  const folders = {
    dataFolder: scratch,
    runtimeFolder: path.join(scratch, 'run'),
    imagesFolder: cached,
  };
  const engine = await QemuEngine.open({ ...options, ...folders });
  try {
    const image = await engine.ensureBaseImage('debian-12', () => undefined);
    await linkBase(cached, imagesFolder, image);
    return image;
  } finally {
    await engine.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The base's own files: its manifest, layers and boot files. */
async function linkBase(from: string, to: string, image: ImageManifest): Promise<void> {
  const manifests = (await readdir(from)).filter((name) => /^base-.*\.json$/.test(name));
  const fileName = (digest: string): string => digest.replace(':', '-');
  const files = [
    ...image.layers.map(({ digest }) => `layers/${fileName(digest)}.qcow2`),
    ...[image.boot.kernel, image.boot.modules].map((digest) => `boot/${fileName(digest)}`),
    ...manifests,
  ];
  for (const file of files) {
    await mkdir(path.dirname(path.join(to, file)), { recursive: true });
    await linkOrCopy(path.join(from, file), path.join(to, file));
  }
}

async function linkOrCopy(source: string, target: string): Promise<void> {
  try {
    await link(source, target);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST') return;
    await copyFile(source, target);
  }
}
