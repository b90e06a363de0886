// The first file system of a VM: our static part, the image's kernel modules, the VM's seed. The
// kernel unpacks archives that simply follow each other.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { EngineError } from '../engine.ts';
import type { VmSpec } from '../engine.ts';
import { type CpioEntry, cpioArchive } from './cpio.ts';
import { type FileOwner, giveTo } from './files.ts';
import { maskedPaths } from './guest/fast-profile.ts';
import { INIT_APPLETS, initScript } from './guest/init-script.ts';
import { seedEntries } from './seed.ts';

/** Debian's busybox-static; a dynamic one cannot run before the OS disk is mounted. */
const BUSYBOX_PLACES = ['/usr/bin/busybox', '/bin/busybox'] as const;

/** Loaded in this order when the image has them; those built in are absent and skipped. */
const WANTED_MODULES = ['virtio_pci', 'virtio_blk', 'virtio_net', 'virtio_console'] as const;

let staticArchive: Promise<Buffer> | undefined;

/** Writes the VM's initrd; readable by the VM's user only, because it holds customData. */
export async function writeInitrd(
  file: string,
  modulesFile: string,
  spec: VmSpec,
  owner: FileOwner | undefined,
): Promise<void> {
  staticArchive ??= makeStaticArchive();
  staticArchive.catch(() => {
    staticArchive = undefined;
  });
  const parts = [await staticArchive, await readFile(modulesFile), cpioArchive(seedEntries(spec))];
  await writeFile(file, Buffer.concat(parts), { mode: 0o600 });
  await giveTo(file, owner, 0o400);
}

async function makeStaticArchive(): Promise<Buffer> {
  const busybox = await readFirst(BUSYBOX_PLACES);
  if (busybox.includes('/lib64/ld-linux-x86-64.so.2\0'))
    throw new EngineError(
      'busybox on this machine is not static: install the package busybox-static',
    );
  return cpioArchive(staticEntries(busybox));
}

async function readFirst(places: readonly string[]): Promise<Buffer> {
  for (const place of places) {
    try {
      return await readFile(place);
    } catch {
      // The next place may have it; the sentence below names what to install when none has.
    }
  }
  throw new EngineError('there is no busybox on this machine: install the package busybox-static');
}

/** Pure: the same for every VM of this version of Rollset. */
export function staticEntries(busybox: Uint8Array): readonly CpioEntry[] {
  const folders = ['bin', 'dev', 'proc', 'sys', 'newroot', ...OVERLAY_FOLDERS];
  return [
    ...folders.map((folder) => ({ kind: 'folder', path: folder }) as const),
    { kind: 'folder', path: 'overlay/run/lock', mode: 0o1777 },
    { kind: 'file', path: 'init', mode: 0o755, content: Buffer.from(initScript()) },
    { kind: 'file', path: 'bin/busybox', mode: 0o755, content: busybox },
    ...INIT_APPLETS.map(
      (name) => ({ kind: 'link', path: `bin/${name}`, target: 'busybox' }) as const,
    ),
    ...maskedPaths().map(
      ([folder, name]) =>
        ({
          kind: 'link',
          path: `overlay/run/systemd/${folder}/${name}`,
          target: '/dev/null',
        }) as const,
    ),
    ...DEVICE_LINKS.map(
      ([name, target]) => ({ kind: 'link', path: `overlay/dev/${name}`, target }) as const,
    ),
  ];
}

/** Copied over the guest's /run and /dev in one go: one process instead of eighty. */
const OVERLAY_FOLDERS = [
  'overlay',
  'overlay/dev',
  'overlay/dev/disk',
  'overlay/dev/disk/azure',
  'overlay/dev/disk/azure/scsi1',
  'overlay/run',
  'overlay/run/user',
  'overlay/run/rollset',
  'overlay/run/systemd',
  'overlay/run/systemd/system',
  'overlay/run/systemd/system/sysinit.target.wants',
  'overlay/run/systemd/system/multi-user.target.wants',
  'overlay/run/systemd/system-generators',
] as const;

/** For boothooks, which run before systemd makes these. */
const DEVICE_LINKS = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
] as const;

/** The archive of virtio drivers of one kernel, from `<root>/usr/lib/modules/<release>`. */
export async function modulesArchive(modulesFolder: string): Promise<Buffer> {
  const dependencies = await readFile(path.join(modulesFolder, 'modules.dep'), 'utf8');
  const files = loadOrder(dependencies, WANTED_MODULES);
  const entries: CpioEntry[] = [{ kind: 'folder', path: 'modules' }];
  for (const [i, file] of files.entries()) {
    if (!file.endsWith('.ko'))
      throw new EngineError(
        `kernel module ${file} is packed; this version reads unpacked modules only`,
      );
    const content = await readFile(path.join(modulesFolder, file));
    const name = `${String(i).padStart(2, '0')}-${path.basename(file)}`;
    entries.push({ kind: 'file', path: `modules/${name}`, mode: 0o644, content });
  }
  return cpioArchive(entries);
}

/** Dependencies first, each once; `modules.dep` lists the nearest dependency first. Pure. */
export function loadOrder(modulesDep: string, wanted: readonly string[]): readonly string[] {
  const order: string[] = [];
  for (const line of wanted.map((name) => lineOf(modulesDep, name))) {
    if (line === undefined) continue;
    const [module = '', dependencies = ''] = line.split(':');
    for (const file of [...dependencies.trim().split(/\s+/).toReversed(), module.trim()])
      if (file !== '' && !order.includes(file)) order.push(file);
  }
  return order;
}

function lineOf(modulesDep: string, name: string): string | undefined {
  const spelled = name.replaceAll('_', '[_-]');
  return new RegExp(`^\\S*/${spelled}\\.ko\\S*:.*$`, 'm').exec(modulesDep)?.[0];
}
