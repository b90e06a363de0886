// `rollset up --detach`: starts the control plane as a process of its own and waits until it serves.
import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CONNECTION_FILE } from '../../model/connection.ts';
import type { Connection } from '../../model/connection.ts';
import { readConnection } from '../client/find-connection.ts';
import type { CliContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';

/** The first start makes keys and opens the store; probing KVM starts a VM. */
const START_TIMEOUT_MS = 60_000;
const START_POLL_MS = 50;
const LOG_FILE = 'control-plane.log';

export type DetachOptions = {
  readonly dataFolder: string;
  readonly listen: string;
  readonly engine: string;
  readonly debug: boolean;
};

export async function startDetached(
  options: DetachOptions,
  { clock, env }: Pick<CliContext, 'clock' | 'env'>,
): Promise<Connection> {
  const { dataFolder, listen, engine, debug } = options;
  // Not closed to others: as root, unprivileged VMs walk through it to their disks.
  await mkdir(dataFolder, { recursive: true, mode: 0o711 });
  const logPath = join(dataFolder, LOG_FILE);
  const log = await open(logPath, 'a', 0o600);
  const { size: logStart } = await log.stat();
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL('../../../bin/rollset.mjs', import.meta.url)),
      'up',
      '--data',
      dataFolder,
      '--listen',
      listen,
      '--engine',
      engine,
      ...(debug ? ['--debug'] : []),
    ],
    { detached: true, stdio: ['ignore', log.fd, log.fd], env: { ...env } },
  );
  await log.close();
  let ended = false;
  child.once('exit', () => {
    ended = true;
  });
  child.once('error', () => {
    ended = true;
  });
  child.unref();
  const until = clock.now() + START_TIMEOUT_MS;
  for (;;) {
    // Written when the server listens, so it is not there too early; an old one has another pid.
    // What an earlier process left there may be anything: until this one writes it, it says nothing.
    const connection = await readConnection(join(dataFolder, CONNECTION_FILE)).catch(
      () => undefined,
    );
    if (connection !== undefined && connection.pid === child.pid) return connection;
    if (ended) throw new CommandFailure(await lastWords(logPath, logStart));
    if (clock.now() >= until) {
      throw new CommandFailure(
        `the control plane (process ${child.pid}) does not answer after ${START_TIMEOUT_MS / 1000} s: see ${logPath}`,
      );
    }
    await clock.sleep(START_POLL_MS);
  }
}

/** The sentence the process ended with, which is the last one in its log. */
async function lastWords(logPath: string, from: number): Promise<string> {
  const text = (await readFile(logPath)).subarray(from).toString('utf8');
  const sentences = text.split('\n').filter((line) => line.startsWith('rollset: '));
  const last = sentences.at(-1)?.slice('rollset: '.length);
  return last ?? `the control plane ended at once: see ${logPath}`;
}
