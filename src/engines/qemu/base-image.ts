// The base image debian-12: made by mmdebstrap from the machine's Debian mirror, once per recipe.
import { createHash } from 'node:crypto';
import { writeFileAtomically } from '../../support/atomic-file.ts';
import { mkdir, mkdtemp, open, readFile, readdir, rm, truncate } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { Clock } from '../../support/clock.ts';
import type { Digest, ImageManifest } from '../../model/image.ts';
import { EngineError } from '../engine.ts';
import { hostDebianMirrors } from './debian-mirrors.ts';
import { readTextIfThere } from './files.ts';
import { runHostCommand } from './host-command.ts';
import { modulesArchive } from './initrd.ts';
import { elfKernelOf } from './kernel-image.ts';
import { addBootFile, addLayer, ensureImageFolders, missingFiles } from './layers.ts';
import { BASE_IMAGE_TIMEOUT_MS } from './limits.ts';
import { withLockFile } from './lock-file.ts';
import type { EnginePaths } from './paths.ts';

export const BASE_IMAGE_ALIASES = ['debian-12'] as const;

const GIB = 1024 ** 3;

/** Everything that decides the image's content, but for what Debian publishes that day. */
const RECIPE = {
  format: 1,
  suite: 'bookworm',
  diskSizeBytes: 4 * GIB,
  packages: [
    'systemd-sysv',
    'udev',
    'kmod',
    'qemu-guest-agent',
    'iproute2',
    'e2fsprogs',
    'ca-certificates',
    'openssh-server',
    'sudo',
    'linux-image-cloud-amd64',
  ],
  /** dpkg leaves these out, now and in later bakes: some 100 MB nobody reads in a VM. */
  excluded: [
    '/usr/share/man/*',
    '/usr/share/doc/*',
    '/usr/share/info/*',
    '/usr/share/locale/*',
    '/usr/share/lintian/*',
    '/usr/share/bug/*',
  ],
  included: ['/usr/share/doc/*/copyright', '/usr/share/locale/locale.alias'],
  /** What the image's own apt shall read: Debian, and nothing of the machine that made it. */
  sources: [
    'deb http://deb.debian.org/debian bookworm main',
    'deb http://deb.debian.org/debian bookworm-updates main',
    'deb http://security.debian.org/debian-security bookworm-security main',
  ],
} as const;

export type BaseImageRequest = {
  readonly paths: EnginePaths;
  readonly clock: Clock;
  readonly alias: string;
  readonly onLog: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
};

export async function ensureDebianBase(request: BaseImageRequest): Promise<ImageManifest> {
  const { paths, alias } = request;
  if (!BASE_IMAGE_ALIASES.some((known) => known === alias))
    throw new EngineError(
      `there is no base image ${alias}: this engine has ${BASE_IMAGE_ALIASES.join(', ')}`,
    );
  await ensureImageFolders(paths);
  const key = createHash('sha256').update(JSON.stringify(RECIPE)).digest('hex').slice(0, 16);
  const manifestFile = path.join(paths.images, `base-${alias}-${key}.json`);
  const ready = await readManifest(paths, manifestFile);
  if (ready !== undefined) return ready;
  const wait = {
    clock: request.clock,
    signal: request.signal,
    onWait: () => request.onLog(`waiting for another process that makes ${alias}`),
  };
  return withLockFile(`${manifestFile}.lock`, wait, async () => {
    const made = await readManifest(paths, manifestFile);
    if (made !== undefined) return made;
    const image = await makeBase(request);
    await writeFileAtomically(manifestFile, JSON.stringify(image, null, 1), 0o644);
    return image;
  });
}

/** Layers of every base image here, those of former recipes included. */
export async function baseLayerDigests(paths: EnginePaths): Promise<ReadonlySet<Digest>> {
  const names = (await readdir(paths.images)).filter((name) => /^base-.*\.json$/.test(name));
  const manifests = await Promise.all(
    names.map((name) => readManifest(paths, path.join(paths.images, name))),
  );
  return new Set(manifests.flatMap((image) => image?.layers ?? []).map((layer) => layer.digest));
}

async function makeBase(request: BaseImageRequest): Promise<ImageManifest> {
  const { paths, onLog } = request;
  const work = await mkdtemp(path.join(paths.work, 'base-'));
  try {
    onLog(`making the base image ${request.alias} with mmdebstrap (once on this machine)`);
    const tar = path.join(work, 'root.tar');
    await bootstrap(request, work, tar);
    onLog('taking out the kernel and its virtio drivers');
    const boot = await extractBoot(request, work, tar);
    onLog('making the disk');
    const disk = await makeDisk(request, work, tar);
    const layer = await addLayer(paths, disk, undefined);
    onLog(`the base image ${request.alias} is ready: ${Math.round(layer.sizeBytes / 1e6)} MB`);
    return { layers: [layer], boot, osDiskSizeBytes: RECIPE.diskSizeBytes };
  } finally {
    await removeTree(work, onLog);
  }
}

async function bootstrap(request: BaseImageRequest, work: string, tar: string): Promise<void> {
  const sources = path.join(work, 'sources.list');
  await writeFileAtomically(sources, `${RECIPE.sources.join('\n')}\n`, 0o644);
  const dpkgOptions = [
    ...RECIPE.excluded.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    ...RECIPE.included.map((pattern) => `--dpkgopt=path-include=${pattern}`),
  ];
  const hooks = [
    `upload ${sources} /etc/apt/sources.list`,
    'rm -f "$1"/etc/resolv.conf "$1"/etc/ssh/ssh_host_* "$1"/boot/initrd* "$1"/initrd* "$1"/vmlinuz*',
    ': >"$1"/etc/resolv.conf; : >"$1"/etc/machine-id; echo localhost >"$1"/etc/hostname',
    'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/var/log/*.log "$1"/var/log/apt "$1"/var/cache/debconf/*-old "$1"/var/lib/dpkg/*-old',
  ];
  await runHostCommand(
    'cannot make the base image (mmdebstrap needs root or user namespaces with the package uidmap)',
    'mmdebstrap',
    [
      '--mode=auto',
      '--variant=minbase',
      '--format=tar',
      `--include=${RECIPE.packages.join(',')}`,
      ...dpkgOptions,
      ...hooks.map((hook) => `--customize-hook=${hook}`),
      RECIPE.suite,
      tar,
      ...(await hostDebianMirrors(RECIPE.suite)),
    ],
    {
      timeoutMs: BASE_IMAGE_TIMEOUT_MS,
      signal: request.signal,
      onLine: request.onLog,
      // No initramfs: VMs start with ours, and making one takes longer than all else in a bake.
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: '/nonexistent',
        LC_ALL: 'C.UTF-8',
        INITRD: 'No',
      },
    },
  );
}

async function extractBoot(
  request: BaseImageRequest,
  work: string,
  tar: string,
): Promise<ImageManifest['boot']> {
  const folder = path.join(work, 'boot');
  await mkdir(folder);
  const what = 'cannot take the kernel out of the base image';
  await runHostCommand(
    what,
    'tar',
    [
      '-x',
      '-f',
      tar,
      '-C',
      folder,
      '--no-same-owner',
      '--wildcards',
      './boot/vmlinuz-*',
      './usr/lib/modules/*/modules.dep',
      './usr/lib/modules/*/kernel/drivers/*',
      './usr/lib/modules/*/kernel/net/core/*',
    ],
    { signal: request.signal },
  );
  const [release, ...others] = await readdir(path.join(folder, 'usr/lib/modules'));
  if (release === undefined || others.length > 0)
    throw new EngineError(
      `${what}: it holds ${others.length === 0 ? 'no kernel' : 'several kernels'}`,
    );
  const kernel = elfKernelOf(await readFile(path.join(folder, 'boot', `vmlinuz-${release}`)));
  const modules = await modulesArchive(path.join(folder, 'usr/lib/modules', release));
  return {
    kernel: await addBootFile(request.paths, kernel),
    modules: await addBootFile(request.paths, modules),
    release,
  };
}

/** A journalled ext4 file system over the whole disk: no partition table, no boot loader. */
async function makeDisk(request: BaseImageRequest, work: string, tar: string): Promise<string> {
  const raw = path.join(work, 'disk.raw');
  const root = path.join(work, 'root');
  const disk = path.join(work, 'disk.qcow2');
  await (await open(raw, 'w')).close();
  await truncate(raw, RECIPE.diskSizeBytes);
  const script =
    'set -e; PATH=$PATH:/usr/sbin:/sbin; mkdir "$2"; tar -x -p --numeric-owner -f "$1" -C "$2"; ' +
    'mke2fs -q -F -t ext4 -L root -E lazy_itable_init=0,lazy_journal_init=0,nodiscard -d "$2" "$3"; rm -rf "$2"';
  const [program, args] = asRootInNamespace('sh', '-c', script, 'sh', tar, root, raw);
  await runHostCommand('cannot make the disk of the base image', program, args, {
    signal: request.signal,
  });
  await runHostCommand(
    'cannot make the layer of the base image',
    'qemu-img',
    ['convert', '-f', 'raw', '-O', 'qcow2', '-W', raw, disk],
    { signal: request.signal },
  );
  return disk;
}

/** The files' owners must be kept, which takes root, or a namespace with many ids. */
function asRootInNamespace(
  program: string,
  ...args: readonly string[]
): readonly [program: string, args: readonly string[]] {
  if (process.getuid?.() === 0) return [program, args];
  return ['unshare', ['--map-auto', '--map-root-user', '--', program, ...args]];
}

/** Never throws: what made the work fail matters more than what it left behind. */
async function removeTree(folder: string, onLog: (line: string) => void): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch {
    // Made in a namespace, files may belong to ids that only the namespace can remove.
    const [program, args] = asRootInNamespace('rm', '-rf', folder);
    await runHostCommand(`cannot remove ${folder}`, program, args).catch((error: unknown) =>
      onLog(String(error)),
    );
  }
}

const manifestSchema = z.object({
  layers: z.array(z.object({ digest: z.string(), sizeBytes: z.number() })),
  boot: z.object({ kernel: z.string(), modules: z.string(), release: z.string() }),
  osDiskSizeBytes: z.number(),
});

/** Undefined as well when a file of it has been lost: then it is made anew. */
async function readManifest(paths: EnginePaths, file: string): Promise<ImageManifest | undefined> {
  const text = await readTextIfThere(file);
  if (text === undefined) return undefined;
  const parsed = manifestSchema.safeParse(JSON.parse(text));
  if (!parsed.success || (await missingFiles(paths, parsed.data)).length > 0) return undefined;
  return parsed.data;
}
