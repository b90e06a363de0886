// Runs commands in a guest through its agent: output as it appears, timeouts that leave nothing
// running. The agent itself only starts, reports and reads files; the rest is made of that.
import type { Clock } from '../../support/clock.ts';
import type { Ids } from '../../support/ids.ts';
import { EngineError } from '../engine.ts';
import type { ExecOptions, ExecResult } from '../engine.ts';
import type { GuestAgent } from './guest-agent.ts';
import {
  EXEC_OUTPUT_KEPT_BYTES,
  EXEC_POLL_FIRST_MS,
  EXEC_POLL_SLOWEST_MS,
  GUEST_READ_BYTES,
} from './limits.ts';
import { asRecord } from './qmp.ts';

const GUEST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const SPOOL = '/run/rollset/exec';
/** What timeout(1) answers, too. */
const EXIT_CODE_TIMED_OUT = 124;
const EXIT_CODE_KILLED = 137;
/** Killing is two processes of a guest that may be busy. */
const KILL_TIMEOUT_MS = 10_000;
/** More reads than this in one look means that the guest writes faster than we read: come back. */
const MAX_READS_PER_POLL = 16;

export type ExecPorts = { readonly agent: GuestAgent; readonly clock: Clock; readonly ids: Ids };

/** `/bin/sh -c command` as root or as `options.user`, in that user's home, in a session of its own. */
export async function execInGuest(
  ports: ExecPorts,
  command: string,
  options: ExecOptions,
): Promise<ExecResult> {
  options.signal?.throwIfAborted();
  const deadline = ports.clock.now() + options.timeoutMs;
  const spool = options.onOutput === undefined ? undefined : `${SPOOL}/${ports.ids.short(12)}`;
  const pid = await startInGuest(ports.agent, command, options.user, spool);
  const output = spool === undefined ? undefined : await openSpool(ports.agent, spool);
  try {
    return await waitForEnd(ports, pid, deadline, output, options);
  } finally {
    if (output !== undefined) await output.close().catch(() => undefined);
  }
}

/** The agent's child calls setsid and becomes the command, so its pid names session and group. */
async function startInGuest(
  agent: GuestAgent,
  command: string,
  user: string | undefined,
  spool: string | undefined,
): Promise<number> {
  const asUser =
    user === undefined
      ? 'cd /root; exec /bin/sh -c "$command"'
      : 'group=$(id -g "$user") && home=$(getent passwd "$user" | cut -d: -f6) && cd "$home" && ' +
        'exec setpriv --reuid="$user" --regid="$group" --init-groups --reset-env /bin/sh -c "$command"';
  const redirect =
    spool === undefined
      ? ''
      : 'umask 077; mkdir -p "${spool%/*}"; exec >"$spool.out" 2>"$spool.err"; umask 022; ';
  const script = `command=$1 user=$2 spool=$3; ${redirect}${asUser}`;
  const answer = await agent.request('guest-exec', {
    path: '/usr/bin/setsid',
    arg: ['/bin/sh', '-c', script, 'sh', command, user ?? '', spool ?? ''],
    env: [`PATH=${GUEST_PATH}`, 'HOME=/root', 'USER=root', 'LOGNAME=root', 'LANG=C.UTF-8'],
    'capture-output': spool === undefined,
  });
  const pid = asRecord(answer)['pid'];
  if (typeof pid !== 'number')
    throw new EngineError('the agent in the VM gave no pid for a command');
  return pid;
}

async function waitForEnd(
  ports: ExecPorts,
  pid: number,
  deadline: number,
  output: Spool | undefined,
  options: ExecOptions,
): Promise<ExecResult> {
  for (let pause = EXEC_POLL_FIRST_MS; ; pause = Math.min(pause * 1.5, EXEC_POLL_SLOWEST_MS)) {
    await ports.clock.sleep(pause);
    const status = asRecord(await ports.agent.request('guest-exec-status', { pid }));
    const grew = (await output?.poll(options.onOutput)) === true;
    if (status['exited'] === true) {
      await output?.drain(options.onOutput);
      return resultOf(status, output);
    }
    if (options.signal?.aborted === true || ports.clock.now() >= deadline) {
      await killInGuest(ports, pid);
      await output?.drain(options.onOutput);
      options.signal?.throwIfAborted();
      const ended = asRecord(await ports.agent.request('guest-exec-status', { pid }));
      return { ...resultOf(ended, output), exitCode: EXIT_CODE_TIMED_OUT, timedOut: true };
    }
    if (grew) pause = EXEC_POLL_FIRST_MS;
  }
}

/** Returns when the session's processes have been killed, or the guest is too busy to say so. */
async function killInGuest({ agent, clock }: ExecPorts, pid: number): Promise<void> {
  const started = await agent.request('guest-exec', {
    path: '/bin/sh',
    arg: [
      '-c',
      `kill -KILL -- -${pid}; for p in $(ps -o pid= -s ${pid} 2>/dev/null); do kill -KILL $p; done`,
    ],
  });
  const killer = asRecord(started)['pid'];
  const deadline = clock.now() + KILL_TIMEOUT_MS;
  while (clock.now() < deadline) {
    const status = asRecord(await agent.request('guest-exec-status', { pid: killer }));
    if (status['exited'] === true) return;
    await clock.sleep(EXEC_POLL_FIRST_MS);
  }
}

function resultOf(status: Record<string, unknown>, output: Spool | undefined): ExecResult {
  const signal = typeof status['signal'] === 'number' ? status['signal'] : undefined;
  const code = typeof status['exitcode'] === 'number' ? status['exitcode'] : EXIT_CODE_KILLED;
  return {
    exitCode: signal === undefined ? code : 128 + signal,
    stdout: output?.stdout.text() ?? decoded(status['out-data']),
    stderr: output?.stderr.text() ?? decoded(status['err-data']),
    timedOut: false,
  };
}

function decoded(base64: unknown): string {
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString('utf8') : '';
}

type Listener = ((text: string) => void) | undefined;

/** Output that grows in two guest files while the command runs. */
type Spool = {
  readonly stdout: SpoolFile;
  readonly stderr: SpoolFile;
  poll(listener: Listener): Promise<boolean>;
  drain(listener: Listener): Promise<void>;
  close(): Promise<void>;
};

async function openSpool(agent: GuestAgent, spool: string): Promise<Spool> {
  const stdout = new SpoolFile(agent, `${spool}.out`);
  const stderr = new SpoolFile(agent, `${spool}.err`);
  return {
    stdout,
    stderr,
    poll: async (listener) => {
      const first = await stdout.poll(listener);
      return (await stderr.poll(listener)) || first;
    },
    drain: async (listener) => {
      await stdout.drain(listener);
      await stderr.drain(listener);
    },
    close: async () => {
      await stdout.close();
      await stderr.close();
      const path = '/bin/rm';
      await agent.request('guest-exec', { path, arg: ['-f', `${spool}.out`, `${spool}.err`] });
    },
  };
}

class SpoolFile {
  readonly #agent: GuestAgent;
  readonly #path: string;
  /** `stream` keeps half a character until its other half has come. */
  readonly #decoder = new TextDecoder();
  #handle: number | undefined;
  #kept = '';

  constructor(agent: GuestAgent, path: string) {
    this.#agent = agent;
    this.#path = path;
  }

  text(): string {
    return this.#kept;
  }

  /** True when there was something new. */
  async poll(listener: Listener): Promise<boolean> {
    this.#handle ??= await openGuestFile(this.#agent, this.#path);
    if (this.#handle === undefined) return false;
    for (let reads = 0; reads < MAX_READS_PER_POLL; reads++) {
      const bytes = await readGuestFile(this.#agent, this.#handle);
      if (bytes.length === 0) return reads > 0;
      const text = this.#decoder.decode(bytes, { stream: true });
      this.#kept = (this.#kept + text).slice(-EXEC_OUTPUT_KEPT_BYTES);
      if (text !== '') listener?.(text);
    }
    return true;
  }

  /** To the end. Only for a command that has ended: a child that goes on writing is cut off. */
  async drain(listener: Listener): Promise<void> {
    for (let looks = 0; looks < MAX_DRAIN_LOOKS && (await this.poll(listener)); looks++);
  }

  async close(): Promise<void> {
    if (this.#handle !== undefined)
      await this.#agent.request('guest-file-close', { handle: this.#handle });
  }
}

/** 16 reads of 192 KiB each: 1.5 GiB, more than a guest's /run can hold. */
const MAX_DRAIN_LOOKS = 500;

/** Undefined while the file is not there yet. */
async function openGuestFile(agent: GuestAgent, path: string): Promise<number | undefined> {
  try {
    const handle = await agent.request('guest-file-open', { path, mode: 'r' });
    return typeof handle === 'number' ? handle : undefined;
  } catch (error) {
    if (error instanceof EngineError && /No such file/.test(error.message)) return undefined;
    throw error;
  }
}

async function readGuestFile(agent: GuestAgent, handle: number): Promise<Buffer> {
  const answer = asRecord(
    await agent.request('guest-file-read', { handle, count: GUEST_READ_BYTES }),
  );
  const base64 = answer['buf-b64'];
  return Buffer.from(typeof base64 === 'string' ? base64 : '', 'base64');
}

/** A small guest file as a whole; undefined when there is none. */
export async function readSmallGuestFile(
  agent: GuestAgent,
  path: string,
): Promise<string | undefined> {
  const handle = await openGuestFile(agent, path);
  if (handle === undefined) return undefined;
  try {
    return (await readGuestFile(agent, handle)).toString('utf8');
  } finally {
    await agent.request('guest-file-close', { handle }).catch(() => undefined);
  }
}
