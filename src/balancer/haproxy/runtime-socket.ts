// Talks to a running HAProxy over its stats socket: commands, what they answer, and its death.
import { connect, type Socket } from 'node:net';
import { BalancerError } from '../balancer.ts';

/** The answer takes a millisecond; a process silent for this long hangs. */
const ANSWER_TIMEOUT_MS = 2_000;
/** HAProxy reads a request into one buffer of 16 KiB. */
const MAX_REQUEST_BYTES = 8_192;

/** Sends commands in order and returns all they said. Throws when nobody answers. */
export async function sendCommands(path: string, commands: readonly string[]): Promise<string> {
  let answers = '';
  for (const request of batches(commands)) answers += await ask(path, request);
  return answers;
}

function batches(commands: readonly string[]): string[] {
  const requests: string[] = [];
  let current = '';
  for (const command of commands) {
    if (current !== '' && current.length + command.length >= MAX_REQUEST_BYTES) {
      requests.push(current);
      current = '';
    }
    current += current === '' ? command : `;${command}`;
  }
  return current === '' ? requests : [...requests, current];
}

/** One connection for one request: HAProxy closes it when it has answered. */
function ask(path: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(path);
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no answer in ${ANSWER_TIMEOUT_MS / 1000} s`));
    }, ANSWER_TIMEOUT_MS);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', reject);
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(answer);
    });
    socket.write(`${request}\n`);
  });
}

/** `set server` says what it changed or that it did not; anything else is a refusal. */
export async function setServers(path: string, commands: readonly string[]): Promise<void> {
  const answer = await sendCommands(path, commands);
  const refusal = answer.split('\n').find((line) => line !== '' && !/\bchanged?\b/.test(line));
  if (refusal !== undefined) {
    throw new BalancerError(`HAProxy refused \`${commands.join('; ')}\`: ${refusal}`);
  }
}

export type ProcessInfo = { readonly pid: number; readonly fingerprint: string };

/** Who answers on this socket; undefined when nobody does. */
export async function findProcess(path: string): Promise<ProcessInfo | undefined> {
  let answer: string;
  try {
    answer = await ask(path, 'show info');
  } catch {
    // No socket, a stale one, or a process that hangs: there is nobody to work with.
    return undefined;
  }
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(answer)?.[1];
  const pid = Number(field('Pid'));
  return pid > 0 ? { pid, fingerprint: field('description') ?? '' } : undefined;
}

export type ServerStatistics = {
  readonly name: string;
  /** e.g. `UP`, `DOWN 1/2`, `MAINT`, `DRAIN`, `no check`. */
  readonly status: string;
  readonly openConnections: number;
  /** `127.0.0.1:4001` */
  readonly address: string;
};

export async function showServers(path: string): Promise<ServerStatistics[]> {
  return parseStatistics(await sendCommands(path, ['show stat b 4 -1']));
}

/** The CSV of `show stat`; columns are found by name, as versions add more. */
export function parseStatistics(csv: string): ServerStatistics[] {
  const [header = '', ...lines] = csv.split('\n').filter((line) => line !== '');
  const columns = header.replace(/^# /, '').split(',');
  const column = (name: string): number => {
    const index = columns.indexOf(name);
    if (index === -1) throw new BalancerError(`HAProxy's statistics lack ${name}: ${header}`);
    return index;
  };
  const [name, status, scur, addr] = [
    column('svname'),
    column('status'),
    column('scur'),
    column('addr'),
  ];
  return lines.map((line) => {
    const cells = line.split(',');
    return {
      name: cells[name] ?? '',
      status: cells[status] ?? '',
      openConnections: Number(cells[scur] ?? 0),
      address: cells[addr] ?? '',
    };
  });
}

/** Holds a connection open; `onEnd` is called once when the process goes away. Returns the stop. */
export function watchProcess(path: string, onEnd: () => void): () => void {
  let stopped = false;
  const socket: Socket = connect(path);
  socket.on('error', () => undefined);
  socket.on('close', () => {
    if (!stopped) onEnd();
  });
  // Interactive: without it HAProxy closes after the first request.
  socket.write('prompt\n');
  socket.resume();
  socket.unref();
  return () => {
    stopped = true;
    socket.destroy();
  };
}
