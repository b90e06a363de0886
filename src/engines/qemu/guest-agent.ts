// A client of qemu-guest-agent: one connection, one request at a time, synchronised anew after any
// doubt (an answer that did not come, a control plane that was replaced in the middle of one).
import net from 'node:net';
import { EngineError } from '../engine.ts';
import { AGENT_ANSWER_TIMEOUT_MS } from './limits.ts';
import { asRecord } from './qmp.ts';

type Connection = { readonly socket: net.Socket; read: (deadline: number) => Promise<string> };

/** The agent sends this byte before the answer to a synchronisation; JSON never holds it. */
const SENTINEL = 0xff;

export class GuestAgent {
  readonly #socketPath: string;
  readonly #now: () => number;
  #connection: Connection | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #nextSyncId = 1;
  #closed = false;

  constructor(socketPath: string, now: () => number) {
    this.#socketPath = socketPath;
    this.#now = now;
  }

  /** Rejects with one sentence when the agent does not answer in time or refuses. */
  request(
    execute: string,
    args: Record<string, unknown> = {},
    timeoutMs: number = AGENT_ANSWER_TIMEOUT_MS,
  ): Promise<unknown> {
    const turn = this.#last.then(() => this.#ask(execute, args, timeoutMs));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  close(): void {
    this.#closed = true;
    this.#drop();
  }

  async #ask(execute: string, args: Record<string, unknown>, timeoutMs: number): Promise<unknown> {
    if (this.#closed) throw new EngineError(`guest command ${execute}: the VM has ended`);
    const deadline = this.#now() + timeoutMs;
    let answer: Record<string, unknown>;
    try {
      this.#connection ??= await this.#synchronise(deadline);
      this.#connection.socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
      answer = asRecord(JSON.parse(await this.#connection.read(deadline)));
    } catch (error) {
      this.#drop();
      throw new EngineError(`guest command ${execute}: ${messageOf(error)}`, { cause: error });
    }
    if ('return' in answer) return answer['return'];
    const description = asRecord(answer['error'])['desc'];
    throw new EngineError(`guest command ${execute} was refused: ${String(description)}`);
  }

  async #synchronise(deadline: number): Promise<Connection> {
    const connection = await connect(this.#socketPath, this.#now);
    // Kept at once, so that a close meanwhile ends it.
    this.#connection = connection;
    const id = this.#nextSyncId++;
    const request = JSON.stringify({ execute: 'guest-sync-delimited', arguments: { id } });
    // A leading sentinel makes the agent forget half a request of a former client.
    connection.socket.write(Buffer.concat([Buffer.from([SENTINEL]), Buffer.from(`${request}\n`)]));
    for (;;) {
      const line = await connection.read(deadline);
      const at = line.lastIndexOf('\xff');
      if (at >= 0 && asRecord(safeParse(line.slice(at + 1)))['return'] === id) return connection;
    }
  }

  #drop(): void {
    this.#connection?.socket.destroy();
    this.#connection = undefined;
  }
}

function connect(socketPath: string, now: () => number): Promise<Connection> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(socketPath);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve({ socket, read: lineReader(socket, now) });
    });
  });
}

/** latin1 keeps the sentinel byte; the agent's JSON is ASCII (it escapes the rest). */
function lineReader(socket: net.Socket, now: () => number): (deadline: number) => Promise<string> {
  const chunks: string[] = [];
  const lines: string[] = [];
  let wake: (() => void) | undefined;
  socket.setEncoding('latin1');
  socket.on('data', (chunk: string) => {
    const pieces = chunk.split('\n');
    for (const piece of pieces.slice(0, -1)) {
      lines.push(chunks.splice(0).join('') + piece);
    }
    chunks.push(pieces.at(-1) ?? '');
    wake?.();
  });
  socket.on('close', () => wake?.());
  return async (deadline) => {
    for (;;) {
      const line = lines.shift();
      if (line !== undefined) return line;
      if (socket.destroyed) throw new Error('the connection to the VM is closed');
      const left = deadline - now();
      if (left <= 0) throw new Error('the agent in the VM did not answer in time');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
    }
  };
}

function safeParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
