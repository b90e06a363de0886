// Starts the QEMU process of a VM so that a crash of the control plane at any line leaves either no
// process or one that is found again. Never two on one disk: QEMU locks its disk files besides.
import { spawn } from 'node:child_process';
import { mkdir, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import type { Clock } from '../../support/clock.ts';
import { EngineError } from '../engine.ts';
import type { VmSpec } from '../engine.ts';
import type { Accelerator } from './accelerator.ts';
import {
  type HostForward,
  type VmFiles,
  qemuArguments,
  unprivilegedCommand,
  type ProcessUser,
} from './arguments.ts';
import { type FileOwner, fileSize, giveTo, readTextIfThere } from './files.ts';
import { writeInitrd } from './initrd.ts';
import { CONSOLE_KEPT_BYTES } from './limits.ts';
import { startEgress } from './network.ts';
import type { EnginePaths, VmPaths } from './paths.ts';
import {
  type ProcessIdentity,
  findProcessByArgument,
  identifyProcess,
  isAlive,
} from './process.ts';
import { type ProcessRecord, readProcess, writeProcess } from './record.ts';

export type VmProcessPorts = {
  readonly paths: EnginePaths;
  readonly owner: FileOwner | undefined;
  /** Runs QEMU; the owner, with the groups that its accelerator needs. */
  readonly user: ProcessUser | undefined;
  readonly clock: Clock;
  readonly accelerator: Accelerator;
};

export type VmProcess = { readonly identity: ProcessIdentity; readonly record: ProcessRecord };

/** The process that runs this VM now, however it came to be. */
export async function findVmProcess(vm: VmPaths): Promise<VmProcess | undefined> {
  const record = await readProcess(vm);
  if (record === undefined) return undefined;
  const { pid, startTicks } = record;
  if (pid !== undefined && startTicks !== undefined) {
    const identity = { pid, startTicks };
    return (await isAlive(identity)) ? { identity, record } : undefined;
  }
  // Spawned, perhaps, by a control plane that died before it could write the pid.
  const identity = await findProcessByArgument(monitorArgument(vm));
  if (identity === undefined) return undefined;
  const completed = { ...record, ...identity };
  await writeProcess(vm, completed);
  return { identity, record: completed };
}

export async function spawnVm(
  ports: VmProcessPorts,
  spec: VmSpec,
  forwards: readonly HostForward[],
): Promise<VmProcess> {
  const vm = ports.paths.vm(spec.vmId);
  const record: ProcessRecord = { startedAtMs: ports.clock.now(), forwards };
  await prepareFiles(ports, vm, spec, record.startedAtMs);
  await writeProcess(vm, record);
  const errors = await open(vm.errors, 'w', 0o600);
  try {
    if (spec.egress) await startEgress(vm, forwards, ports.owner, errors.fd, ports.clock);
    const identity = await spawnQemu(ports, vm, spec, forwards, errors.fd);
    const completed = { ...record, ...identity };
    await writeProcess(vm, completed);
    return { identity, record: completed };
  } finally {
    await errors.close();
  }
}

/** What QEMU said before it ended, in one line. */
export async function lastWordsOf(vm: VmPaths): Promise<string> {
  const text = (await readTextIfThere(vm.errors)) ?? '';
  return text.trim().split('\n').slice(-3).join(' | ') || 'QEMU said nothing';
}

async function spawnQemu(
  ports: VmProcessPorts,
  vm: VmPaths,
  spec: VmSpec,
  forwards: readonly HostForward[],
  errors: number,
): Promise<ProcessIdentity> {
  const args = qemuArguments(spec, filesOf(ports.paths, vm, spec), forwards, ports.accelerator);
  const [program, ...rest] = unprivilegedCommand(ports.user, ['qemu-system-x86_64', ...args]);
  const child = spawn(program, rest, {
    stdio: ['ignore', errors, errors],
    detached: true,
    cwd: '/',
    env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(new EngineError(`cannot run ${program}: ${error.message}`)),
    );
  });
  child.unref();
  const identity = await identifyProcess(child.pid ?? 0);
  if (identity === undefined)
    throw new EngineError(`QEMU of VM ${spec.vmId} ended at once: ${await lastWordsOf(vm)}`);
  return identity;
}

function filesOf(paths: EnginePaths, vm: VmPaths, spec: VmSpec): VmFiles {
  return {
    kernel: paths.bootFile(spec.osDisk.image.boot.kernel),
    initrd: vm.initrd,
    osDisk: vm.osDisk(spec.osDisk.diskId),
    dataDisks: spec.dataDisks.map(({ lun }) => ({ lun, file: vm.dataDisk(lun) })),
    console: vm.console,
    monitorSocket: vm.monitorSocket,
    agentSocket: vm.agentSocket,
    copySocket: vm.copySocket,
    networkSocket: vm.networkSocket,
  };
}

/** No two VMs of any engine have it: the socket's path holds runtime folder and VM id. */
export function monitorArgument(vm: VmPaths): string {
  return `unix:${vm.monitorSocket},server=on,wait=off`;
}

async function prepareFiles(
  ports: VmProcessPorts,
  vm: VmPaths,
  spec: VmSpec,
  startedAtMs: number,
): Promise<void> {
  await rm(vm.runtime, { recursive: true, force: true });
  await mkdir(vm.runtime, { recursive: true, mode: 0o711 });
  await giveTo(vm.runtime, ports.owner, 0o700);
  await trimConsole(vm.console);
  const mark = `--- ${new Date(startedAtMs).toISOString()} ${spec.label} starts on OS disk ${spec.osDisk.diskId}\n`;
  await writeFile(vm.console, mark, { flag: 'a' });
  await giveTo(vm.console, ports.owner, 0o600);
  await writeInitrd(
    vm.initrd,
    ports.paths.bootFile(spec.osDisk.image.boot.modules),
    spec,
    ports.owner,
  );
}

async function trimConsole(file: string): Promise<void> {
  const size = (await fileSize(file)) ?? 0;
  if (size <= CONSOLE_KEPT_BYTES) return;
  const tail = (await readFile(file)).subarray(-CONSOLE_KEPT_BYTES / 2);
  await truncate(file, 0);
  await writeFile(file, tail);
}
