// Decides KVM or TCG by really starting a VM: the device file may exist and not work.
import { spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { type ProcessUser, SANDBOX_ARGUMENTS, unprivilegedCommand } from './arguments.ts';

export type Accelerator = 'kvm' | 'tcg';

/** A working KVM reaches its first paused CPU in tens of ms; a broken one fails at once. */
const PROBE_TIMEOUT_MS = 5_000;

let probed: Promise<Accelerator> | undefined;

/** Once per process; as the user that VMs run as, because access to the device depends on it. */
export function probeAccelerator(user: ProcessUser | undefined): Promise<Accelerator> {
  probed ??= kvmStarts(user).then((works) => (works ? 'kvm' : 'tcg'));
  return probed;
}

/** Distributions let a group open the device; root's own rights are dropped before QEMU begins. */
export async function kvmGroups(): Promise<readonly number[]> {
  try {
    const { gid, mode } = await stat('/dev/kvm');
    return gid !== 0 && (mode & 0o060) === 0o060 ? [gid] : [];
  } catch {
    return [];
  }
}

/** QEMU creates its first vCPU before it serves the monitor, and ends by itself on our `quit`. */
function kvmStarts(user: ProcessUser | undefined): Promise<boolean> {
  const [program, ...args] = unprivilegedCommand(user, [
    'qemu-system-x86_64',
    '-accel',
    'kvm',
    '-cpu',
    'host',
    '-machine',
    'q35,sata=off',
    '-m',
    '16M',
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-S',
    ...SANDBOX_ARGUMENTS,
    '-qmp',
    'stdio',
  ]);
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'ignore'],
      timeout: PROBE_TIMEOUT_MS,
    });
    child.stdin.on('error', () => undefined);
    child.stdout.once('data', () => {
      // `cont` runs the CPU for real: some hosts let a VM be made and fail only then.
      for (const execute of ['qmp_capabilities', 'cont', 'query-status', 'quit'])
        child.stdin.write(`${JSON.stringify({ execute })}\n`);
    });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 0));
  });
}
