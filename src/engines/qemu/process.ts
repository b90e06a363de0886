// Host processes known by pid and start time, so that a reused pid is never taken for a VM.
import { readFile, readdir } from 'node:fs/promises';
import type { Clock } from '../../support/clock.ts';
import { EngineError } from '../engine.ts';
import { KILL_TIMEOUT_MS } from './limits.ts';

export type ProcessIdentity = { readonly pid: number; readonly startTicks: string };

/** Undefined when the pid is free or the process has ended (a zombie holds no files). */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  let stat: string;
  try {
    stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The second field is the name in brackets and may hold anything; fields count after it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = 'X'] = fields;
  const startTicks = fields[19];
  if (state === 'Z' || state === 'X' || startTicks === undefined) return undefined;
  return { pid, startTicks };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.startTicks === identity.startTicks;
}

/**
 * Finds the QEMU process that was spawned with this exact argument: the way back to a VM whose pid
 * was not recorded because the control plane died in between.
 */
export async function findProcessByArgument(
  argument: string,
): Promise<ProcessIdentity | undefined> {
  const wanted = `\0${argument}\0`;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    let commandLine: string;
    try {
      commandLine = await readFile(`/proc/${name}/cmdline`, 'utf8');
    } catch {
      continue; // It ended while we looked.
    }
    if (!commandLine.includes(wanted)) continue;
    const identity = await identifyProcess(Number(name));
    if (identity !== undefined) return identity;
  }
  return undefined;
}

/** Kills and waits until the kernel has released the process's files. */
export async function killProcess(identity: ProcessIdentity, clock: Clock): Promise<void> {
  if (!(await isAlive(identity))) return;
  try {
    process.kill(identity.pid, 'SIGKILL');
  } catch {
    // It ended by itself in between; the wait below confirms.
  }
  if (!(await waitUntilGone(identity, clock, KILL_TIMEOUT_MS)))
    throw new EngineError(
      `process ${identity.pid} did not end within ${KILL_TIMEOUT_MS} ms of SIGKILL`,
    );
}

/** False when it still runs after `timeoutMs`. */
export async function waitUntilGone(
  identity: ProcessIdentity,
  clock: Clock,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = clock.now() + timeoutMs;
  for (let pause = 2; await isAlive(identity); pause = Math.min(pause * 2, 20)) {
    if (clock.now() >= deadline) return false;
    await clock.sleep(pause);
  }
  return true;
}
