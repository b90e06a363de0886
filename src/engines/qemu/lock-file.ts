// One process at a time: a lock file that names its holder, so that a dead holder's lock is taken over.
import { open, rm } from 'node:fs/promises';
import { z } from 'zod';
import type { Clock } from '../../support/clock.ts';
import { readTextIfThere } from './files.ts';
import { identifyProcess } from './process.ts';

const LOOK_MS = 500;

export type LockWait = {
  readonly clock: Clock;
  readonly signal?: AbortSignal | undefined;
  /** Called once when somebody else holds it. */
  readonly onWait: () => void;
};

export async function withLockFile<T>(
  file: string,
  wait: LockWait,
  work: () => Promise<T>,
): Promise<T> {
  for (let told = false; !(await tryTake(file)); ) {
    wait.signal?.throwIfAborted();
    if (await holderIsGone(file)) {
      await rm(file, { force: true });
      continue;
    }
    if (!told) wait.onWait();
    told = true;
    await wait.clock.sleep(LOOK_MS, wait.signal);
  }
  try {
    return await work();
  } finally {
    await rm(file, { force: true });
  }
}

async function tryTake(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o644);
    await handle.writeFile(JSON.stringify(await identifyProcess(process.pid)));
    await handle.close();
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

const holderSchema = z.object({ pid: z.number(), startTicks: z.string() });

/** False while it is just being written, or just gone: the next look tells. */
async function holderIsGone(file: string): Promise<boolean> {
  const text = await readTextIfThere(file);
  if (text === undefined || text === '') return false;
  const holder = holderSchema.safeParse(JSON.parse(text));
  if (!holder.success) return true;
  return (await identifyProcess(holder.data.pid))?.startTicks !== holder.data.startTicks;
}
