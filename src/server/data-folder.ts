// The data folder: its layout, its modes, and who may reach what in it.
//
// As root, VMs and the balancer run as an unprivileged user, so that user must be able to walk down
// to the folder; secrets below it are readable by us alone.
import { createHash } from 'node:crypto';
import { chown, mkdir, stat } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/**
 * Numeric user and group of VMs and balancer when we are root; no account is needed. Outside the
 * ranges Debian gives to accounts (up to 59999) and systemd to dynamic users (from 61184).
 */
const VM_USER_ID = 60_513;

export type DataFolder = {
  readonly path: string;
  /** Short, because a unix socket path over 107 bytes fails. */
  readonly runtimePath: string;
  /** Absent when we are not root: VMs then run as we do. */
  readonly vmUser?: { readonly uid: number; readonly gid: number };
};

/** `~/.rollset`, as root `/var/lib/rollset`. */
export function defaultDataFolder(): string {
  return isRoot() ? '/var/lib/rollset' : join(homedir(), '.rollset');
}

/** Makes the folder and its parts where absent. Idempotent. Throws one sentence. */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const full = resolve(path);
  const vmUser = isRoot() ? { uid: VM_USER_ID, gid: VM_USER_ID } : undefined;
  const runtimePath = runtimeFolder(full);
  await mkdir(full, { recursive: true, mode: 0o711 });
  for (const [name, mode] of Object.entries(PARTS)) {
    await mkdir(join(full, name), { recursive: true, mode });
  }
  await mkdir(runtimePath, { recursive: true, mode: 0o711 });
  if (vmUser !== undefined) {
    await chown(join(full, 'vms'), vmUser.uid, vmUser.gid);
    await chown(runtimePath, vmUser.uid, vmUser.gid);
  }
  return { path: full, runtimePath, ...(vmUser === undefined ? {} : { vmUser }) };
}

const PARTS = {
  images: 0o711,
  vms: 0o711,
  builds: 0o700,
  blobs: 0o700,
  balancer: 0o711,
  pki: 0o700,
} as const;

function runtimeFolder(dataFolder: string): string {
  const name = createHash('sha256').update(dataFolder).digest('hex').slice(0, 8);
  if (isRoot()) return join('/run/rollset', name);
  return join(
    process.env['XDG_RUNTIME_DIR'] ?? join(tmpdir(), `rollset-${process.getuid?.()}`),
    name,
  );
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * `/root` is 0700: an unprivileged VM could never open a disk there. Throws one sentence when a
 * folder on the way down to `path` is closed to others.
 */
export async function checkReachable(path: string): Promise<void> {
  const blocked: string[] = [];
  for (let at = path; at !== dirname(at); at = dirname(at)) {
    if (((await stat(at)).mode & 0o001) === 0) blocked.push(at);
  }
  const first = blocked.at(-1);
  if (first === undefined) return;
  throw new Error(
    `the data folder ${path} cannot be reached by the unprivileged user that runs the VMs, because ${first} is closed to others; choose another with --data, or run: chmod o+x ${first}`,
  );
}
