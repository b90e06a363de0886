// Constant traffic through the balancer: keep-alive and new-connection clients, reads and writes.
// Every answer is judged, every acknowledged entry remembered with the instance that took it.
import { Agent, request } from 'node:http';
import type { Clock } from '../support/clock.ts';
import { REQUEST_INTERVAL_MS, REQUEST_TIMEOUT_MS } from './limits.ts';
import { CreatedAnswer } from './schemas.ts';

export type Acknowledged = {
  readonly id: string;
  readonly instance: string;
  readonly text: string;
};
export type FailedRequest = { readonly at: number; readonly what: string; readonly reason: string };
export type RequestCount = { readonly sent: number; readonly failed: number };

type Client = {
  readonly name: string;
  readonly keepAlive: boolean;
  readonly method: 'GET' | 'POST';
};

const CLIENTS: readonly Client[] = [
  { name: 'ada', keepAlive: true, method: 'GET' },
  { name: 'grace', keepAlive: true, method: 'POST' },
  { name: 'alan', keepAlive: false, method: 'GET' },
  { name: 'edsger', keepAlive: false, method: 'POST' },
];

export class Traffic {
  readonly acknowledged: Acknowledged[] = [];
  readonly failures: FailedRequest[] = [];
  #sent = 0;
  readonly #url: string;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #clients: Promise<void>[] = [];

  /** `url`: the fleet's one address, e.g. `http://127.77.0.1:8080`. */
  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
  }

  start(): void {
    this.#clients = CLIENTS.map((client) => this.#run(client));
  }

  /** Lets open requests finish. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#clients);
  }

  count(): RequestCount {
    return { sent: this.#sent, failed: this.failures.length };
  }

  async #run(client: Client): Promise<void> {
    const agent = new Agent({ keepAlive: client.keepAlive });
    for (let round = 1; !this.#stop.signal.aborted; round += 1) {
      const from = this.#clock.now();
      await this.#one(client, agent, round);
      const rest = Math.max(0, REQUEST_INTERVAL_MS - (this.#clock.now() - from));
      // The stop ends the sleep; the loop's condition then ends the client.
      await this.#clock.sleep(rest, this.#stop.signal).catch(() => undefined);
    }
    agent.destroy();
  }

  async #one(client: Client, agent: Agent, round: number): Promise<void> {
    const text = `entry ${round}`;
    const path = client.method === 'POST' ? '/entries' : round % 2 === 0 ? '/version' : '/';
    const body = client.method === 'POST' ? `${client.name}: ${text}` : undefined;
    this.#sent += 1;
    const at = this.#clock.now();
    try {
      const answer = await exchange(`${this.#url}${path}`, client.method, agent, body);
      if (body === undefined) return;
      // Version 1 keeps the whole line as the text, later ones split the guest off.
      this.acknowledged.push({ ...CreatedAnswer.parse(JSON.parse(answer)), text });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const kept = client.keepAlive ? 'kept connection' : 'new connection';
      this.failures.push({ at, what: `${client.method} ${path} (${kept})`, reason });
    }
  }
}

/** Resolves with the body of a 200 or 201; rejects with one sentence for anything else. */
function exchange(url: string, method: string, agent: Agent, body?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const sent = request(url, { method, agent, signal }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200 || answer.statusCode === 201) resolve(text);
        else reject(new Error(`HTTP ${answer.statusCode}: ${text.slice(0, 200).trim()}`));
      });
    });
    sent.on('error', (error) =>
      reject(signal.aborted ? new Error(`no answer in ${REQUEST_TIMEOUT_MS / 1000} s`) : error),
    );
    sent.end(body);
  });
}
