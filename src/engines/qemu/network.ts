// Host ports of VMs, and the passt process that gives a VM the outside.
import { spawn } from 'node:child_process';
import net from 'node:net';
import type { Clock } from '../../support/clock.ts';
import { EngineError } from '../engine.ts';
import { type HostForward, passtArguments, unprivilegedCommand } from './arguments.ts';
import { type FileOwner, fileExists } from './files.ts';
import { EGRESS_FILTER } from './guest/egress-filter.ts';
import type { VmPaths } from './paths.ts';

/** The filter and passt are ready within 60 ms; a loaded host needs longer. */
const EGRESS_TIMEOUT_MS = 15_000;
/** Ports of VMs that are just being started are not bound yet: ask again rather than collide. */
const CHOICES_PER_PORT = 20;

/**
 * Free ports on 127.0.0.1. `taken` are those promised to VMs of this engine. Somebody else may bind
 * one before QEMU does: then QEMU ends at once and the caller chooses anew.
 */
export async function chooseForwards(
  guestPorts: readonly number[],
  taken: ReadonlySet<number>,
): Promise<readonly HostForward[]> {
  const chosen: HostForward[] = [];
  for (const guestPort of guestPorts) {
    const avoid = new Set([...taken, ...chosen.map((forward) => forward.port)]);
    chosen.push({ guestPort, port: await freePort(avoid) });
  }
  return chosen;
}

async function freePort(avoid: ReadonlySet<number>): Promise<number> {
  for (let choice = 0; choice < CHOICES_PER_PORT; choice++) {
    const port = await portOfTheKernel();
    if (!avoid.has(port)) return port;
  }
  throw new EngineError('no free TCP port on 127.0.0.1 was found for a VM');
}

function portOfTheKernel(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/**
 * Gives one VM the outside: passt, behind the filter that keeps the host's own addresses out of
 * reach. Unprivileged, in a session of its own so that it lives as long as the VM, and it ends when
 * the VM's QEMU disconnects. `errors` is an open file for what it has to say.
 */
export async function startEgress(
  vm: VmPaths,
  forwards: readonly HostForward[],
  owner: FileOwner | undefined,
  errors: number,
  clock: Clock,
): Promise<void> {
  const passt = ['passt', ...passtArguments(vm.passtSocket, forwards)];
  const filter = [process.execPath, '-e', EGRESS_FILTER, vm.networkSocket, vm.passtSocket];
  const [program, ...args] = unprivilegedCommand(owner, [...filter, ...passt]);
  let ended: string | undefined;
  const child = spawn(program, args, {
    stdio: ['ignore', errors, errors],
    detached: true,
    cwd: '/',
  });
  child.on('error', (error) => {
    ended = error.message;
  });
  child.on('exit', (code) => {
    ended ??= `ended with exit code ${code}`;
  });
  child.unref();
  const deadline = clock.now() + EGRESS_TIMEOUT_MS;
  while (!(await fileExists(vm.networkSocket))) {
    if (ended !== undefined || clock.now() > deadline)
      throw new EngineError(
        `no outbound network for the VM: passt ${ended ?? 'did not open its socket'} (it needs the Debian package passt and a default route)`,
      );
    await clock.sleep(5);
  }
}
