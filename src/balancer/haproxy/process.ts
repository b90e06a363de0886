// Starts and stops HAProxy processes that outlive the control plane.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { access, constants, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Clock } from '../../support/clock.ts';
import { BalancerError } from '../balancer.ts';
import { findProcess } from './runtime-socket.ts';

/** A start takes some 50 ms; this is for a host with no time at all. */
const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 5_000;
const POLL_MS = 5;

/** Debian's place for it is not in an ordinary user's PATH. */
export function binaryFolders(path: string): string[] {
  const named = path.split(delimiter).filter((folder) => folder !== '');
  return [...named, '/usr/sbin', '/usr/local/sbin', '/sbin'];
}

export async function findHaproxy(folders: readonly string[]): Promise<string> {
  for (const folder of folders) {
    const binary = join(folder, 'haproxy');
    const found = await access(binary, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return binary;
  }
  throw new BalancerError(
    'HAProxy, which serves the frontends, is not installed: run `apt-get install haproxy` as root (Debian package haproxy)',
  );
}

/** A process, told from a later one with the same number. */
export type ProcessIdentity = { readonly pid: number; readonly startTime: string };

/** Undefined when there is no such process. `startTime` is field 22 of proc(5) stat, in ticks. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The name, in parentheses, may hold blanks: fields are counted after it.
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startTime = fields[18];
  return startTime === undefined || state === 'Z' ? undefined : { pid, startTime };
}

export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(process.pid))?.startTime === process.startTime;
}

/** SIGTERM ends HAProxy at once, SIGUSR1 when its connections have ended. */
export async function signalProcess(
  target: ProcessIdentity,
  signal: 'SIGTERM' | 'SIGUSR1' | 'SIGKILL',
): Promise<void> {
  if (!(await isRunning(target))) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Returns when the process is gone: asked first, unless `force`, and killed when it does not go. */
export async function endProcess(
  target: ProcessIdentity,
  clock: Clock,
  { force }: { force: boolean },
): Promise<void> {
  await signalProcess(target, force ? 'SIGKILL' : 'SIGTERM');
  const deadline = clock.now() + STOP_LIMIT_MS;
  while (await isRunning(target)) {
    if (clock.now() > deadline) await signalProcess(target, 'SIGKILL');
    await clock.sleep(POLL_MS);
  }
}

export type StartRequest = {
  readonly binary: string;
  readonly configFile: string;
  readonly logFile: string;
  readonly socketPath: string;
  /** A process whose sockets the new one takes over without a gap, and which then ends. */
  readonly takeOverPid?: number;
};

/** Returns when the new process answers on its socket. Throws with HAProxy's own words. */
export async function startHaproxy(request: StartRequest, clock: Clock): Promise<ProcessIdentity> {
  const { binary, configFile, logFile, socketPath, takeOverPid } = request;
  const takeOver = takeOverPid === undefined ? [] : ['-x', socketPath, '-sf', String(takeOverPid)];
  // Quiet: what goes wrong at the start is said all the same, later changes of state are not.
  const log = openSync(logFile, 'w', 0o600);
  const child = spawn(binary, ['-q', '-db', '-f', configFile, ...takeOver], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env: {},
  });
  closeSync(log);
  child.unref();
  let ended: string | undefined;
  child.once('error', (error) => (ended = error.message));
  child.once('exit', (code, signal) => (ended = `it ended with ${signal ?? `exit code ${code}`}`));
  const deadline = clock.now() + START_LIMIT_MS;
  for (;;) {
    if (ended !== undefined) throw await startError(ended, logFile);
    const answering = await findProcess(socketPath);
    if (answering !== undefined && answering.pid === child.pid) break;
    if (clock.now() > deadline) {
      child.kill('SIGKILL');
      throw await startError(`it did not answer in ${START_LIMIT_MS / 1000} s`, logFile);
    }
    await clock.sleep(POLL_MS);
  }
  const identity = await identifyProcess(child.pid);
  if (identity === undefined) throw await startError('it ended at once', logFile);
  return identity;
}

async function startError(what: string, logFile: string): Promise<BalancerError> {
  const log = await readFile(logFile, 'utf8').catch(() => '');
  const alerts = log
    .split('\n')
    .filter((line) => line.includes('[ALERT]'))
    .map((line) => line.replace(/^.*?\) : /, ''));
  return new BalancerError(`HAProxy did not start: ${alerts[0] ?? what} (${logFile})`);
}

/** Throws one sentence when nobody could listen there now. */
export async function checkBindable(address: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw new BalancerError(whyNotBindable(error, address, port), { cause: error });
  } finally {
    server.close();
  }
}

function whyNotBindable(error: unknown, address: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `${address}:${port} is in use by another program; stop it or choose another port`;
    case 'EACCES':
      return `${address}:${port} needs root, as every port below 1024; choose another port`;
    case 'EADDRNOTAVAIL':
      return `${address} is not an address of this machine, so port ${port} cannot be served there`;
    default:
      return `${address}:${port} cannot be served: ${String(error)}`;
  }
}
