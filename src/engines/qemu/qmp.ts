// A client of QEMU's monitor (QMP): connects, sends commands, tells events and the end.
import net from 'node:net';
import { EngineError } from '../engine.ts';

export type QmpEvent = { readonly event: string; readonly data: Record<string, unknown> };

type Waiter = { resolve(value: unknown): void; reject(error: Error): void };

/** One connection. QEMU serves one client at a time. */
export class QmpClient {
  readonly #socket: net.Socket;
  readonly #waiters: Waiter[] = [];
  readonly #onEvent: (event: QmpEvent) => void;
  #partial = '';

  private constructor(socket: net.Socket, onEvent: (event: QmpEvent) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => this.#take(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      const error = new EngineError('the monitor of the VM closed the connection');
      for (const waiter of this.#waiters.splice(0)) waiter.reject(error);
    });
  }

  /** Rejects when nobody listens on the socket or the greeting does not come in time. */
  static async connect(
    socketPath: string,
    timeoutMs: number,
    onEvent: (event: QmpEvent) => void,
  ): Promise<QmpClient> {
    const socket = net.connect(socketPath);
    const client = new QmpClient(socket, onEvent);
    const timer = setTimeout(() => socket.destroy(), timeoutMs);
    try {
      // The greeting is not an answer to anything; the first command is accepted without it.
      await client.command('qmp_capabilities');
      return client;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  command(execute: string, args?: Record<string, unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) {
        reject(new EngineError(`monitor command ${execute}: the connection is closed`));
        return;
      }
      this.#waiters.push({ resolve, reject });
      const message = args === undefined ? { execute } : { execute, arguments: args };
      this.#socket.write(`${JSON.stringify(message)}\n`);
    });
  }

  /** At once when it is closed already. */
  onClose(listener: () => void): void {
    if (this.#socket.closed) listener();
    else this.#socket.once('close', listener);
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: string): void {
    const lines = (this.#partial + chunk).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') this.#handle(parseMessage(line));
  }

  #handle(message: Record<string, unknown>): void {
    if (typeof message['event'] === 'string') {
      this.#onEvent({ event: message['event'], data: asRecord(message['data']) });
    } else if ('return' in message) {
      this.#waiters.shift()?.resolve(message['return']);
    } else if ('error' in message) {
      const description = asRecord(message['error'])['desc'];
      this.#waiters.shift()?.reject(new EngineError(`monitor of the VM: ${String(description)}`));
    }
  }
}

function parseMessage(line: string): Record<string, unknown> {
  try {
    return asRecord(JSON.parse(line));
  } catch {
    return {};
  }
}

export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
