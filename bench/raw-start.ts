// The limit of a swap: QEMU itself, started with the same arguments on a fresh overlay of the same
// layer, with the same data disk, to the first healthy answer. The control plane is frozen meanwhile
// (SIGSTOP), so that it does not bring the instance back; the other VMs and the balancer go on.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { systemClock } from '../src/support/clock.ts';

const run = promisify(execFile);

/** Closely spaced, so that the limit is not flattered or blamed for the measuring. */
const PROBE_MS = 20;
const PROBE_TIMEOUT_MS = 500;
const BOOT_TIMEOUT_MS = 120_000;
const POWER_OFF_TIMEOUT_MS = 60_000;

export type RunningVm = {
  readonly pid: number;
  readonly args: readonly string[];
  readonly uid: string;
  readonly gid: string;
};

/** The QEMU process whose agent socket or label names this VM. */
export async function findQemu(label: string): Promise<RunningVm> {
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const args = (await readText(`/proc/${entry}/cmdline`)).split('\0').slice(0, -1);
    if (args[0]?.endsWith('qemu-system-x86_64') !== true) continue;
    if (!args.includes(`guest=${label}`)) continue;
    const status = await readText(`/proc/${entry}/status`);
    const idOf = (key: string) => new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? '0';
    return { pid: Number(entry), args, uid: idOf('Uid'), gid: idOf('Gid') };
  }
  throw new Error(`no QEMU process runs guest=${label}`);
}

/** Resolves when the process is gone. */
export async function waitForExit(pid: number): Promise<void> {
  const deadline = systemClock.now() + POWER_OFF_TIMEOUT_MS;
  while (isRunning(await readText(`/proc/${pid}/stat`))) {
    if (systemClock.now() > deadline) throw new Error(`process ${pid} did not end`);
    await systemClock.sleep(PROBE_MS);
  }
}

/** The host's port that leads to this port of the guest. */
export function forwardedPort(vm: RunningVm, guestPort: number): number {
  const forward = new RegExp(`hostfwd=tcp:127\\.0\\.0\\.1:(\\d+)-[\\d.]*:${guestPort}(,|$)`);
  const port = vm.args.map((arg) => forward.exec(arg)?.[1]).find((found) => found !== undefined);
  if (port === undefined) throw new Error(`the VM forwards nothing to port ${guestPort}`);
  return Number(port);
}

/** Seconds from the spawn to the first 200; the VM is powered off again and its overlay removed. */
export async function timeRawStart(vm: RunningVm, healthUrl: string): Promise<number> {
  const osDisk = fileOf(vm.args, 'id=os,');
  const overlay = `${osDisk}.bench`;
  await freshOverlay(osDisk, overlay, vm);
  const args = vm.args.slice(1).map((arg) => arg.replace(`file=${osDisk},`, `file=${overlay},`));
  const from = systemClock.now();
  const child = spawn(
    'setpriv',
    [`--reuid=${vm.uid}`, `--regid=${vm.gid}`, '--clear-groups', 'qemu-system-x86_64', ...args],
    { stdio: 'ignore', cwd: '/' },
  );
  try {
    await firstHealthyAnswer(healthUrl, child);
    const seconds = (systemClock.now() - from) / 1000;
    await powerOff(vm.args, child);
    return seconds;
  } finally {
    child.kill('SIGKILL');
    await rm(overlay, { force: true });
  }
}

async function freshOverlay(osDisk: string, overlay: string, vm: RunningVm): Promise<void> {
  const { stdout } = await run('qemu-img', ['info', '--output=json', '-U', osDisk]);
  const info: unknown = JSON.parse(stdout);
  const backing =
    typeof info === 'object' && info !== null && 'full-backing-filename' in info
      ? String(info['full-backing-filename'])
      : undefined;
  if (backing === undefined) throw new Error(`${osDisk} is no overlay`);
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', backing, '-F', 'qcow2', overlay]);
  await run('chown', [`${vm.uid}:${vm.gid}`, overlay]);
}

async function firstHealthyAnswer(url: string, child: ChildProcess): Promise<void> {
  const deadline = systemClock.now() + BOOT_TIMEOUT_MS;
  while (systemClock.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`QEMU ended with exit code ${child.exitCode}`);
    // A connection made before the guest listens stays silent: each try has one of its own.
    const answer = await fetch(url, {
      signal: AbortSignal.timeout(PROBE_TIMEOUT_MS),
      headers: { connection: 'close' },
    }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    await systemClock.sleep(PROBE_MS);
  }
  throw new Error(`${url} gave no healthy answer in ${BOOT_TIMEOUT_MS / 1000} s`);
}

/** Through the guest agent, so that the data disk is clean for whoever has it next. */
async function powerOff(args: readonly string[], child: ChildProcess): Promise<void> {
  const path = /path=([^,]+)/.exec(args.find((arg) => arg.includes('id=agent,')) ?? '')?.[1];
  if (path === undefined || child.pid === undefined) throw new Error('the VM has no agent socket');
  const socket = connect(path);
  const command = { path: '/bin/systemctl', arg: ['poweroff'] };
  socket.write(`${JSON.stringify({ execute: 'guest-exec', arguments: command })}\n`);
  await waitForExit(child.pid);
  socket.destroy();
}

/** The file of the `-drive` that has `mark` among its options. */
function fileOf(args: readonly string[], mark: string): string {
  const drive = args.find((arg) => arg.startsWith('file=') && arg.includes(mark));
  const file = drive === undefined ? undefined : /^file=((?:[^,]|,,)+),/.exec(drive)?.[1];
  if (file === undefined) throw new Error(`no drive with ${mark}`);
  return file.replaceAll(',,', ',');
}

/** A zombie has ended: only its parent has not looked yet. */
function isRunning(stat: string): boolean {
  return stat !== '' && !/\) [ZX] /.test(stat);
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
