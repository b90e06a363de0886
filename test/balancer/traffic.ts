// For the balancer's tests: apps to send to, and constant traffic that counts what fails.
import { Agent, createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type App = {
  readonly name: string;
  readonly endpoint: { host: string; port: number };
  /** Clients' requests under way; the balancer's own checks go on during a drain. */
  readonly busy: () => number;
  /** As a graceful power-off: finishes what runs. */
  readonly stop: () => Promise<void>;
  /** As a kill. */
  readonly kill: () => Promise<void>;
};

/** Answers with its name after a moment, on a port of its own. */
export async function startApp(name: string): Promise<App> {
  let busy = 0;
  const server: Server = createServer((incoming, response) => {
    const counts = incoming.url === '/healthz' ? 0 : 1;
    busy += counts;
    incoming.resume();
    response.on('close', () => {
      busy -= counts;
    });
    setTimeout(() => response.end(name), 5 + Math.random() * 15);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return {
    name,
    endpoint: { host: '127.0.0.1', port },
    busy: () => busy,
    stop: close,
    kill: () => {
      const closed = close();
      server.closeAllConnections();
      return closed;
    },
  };
}

export type Answer = { readonly ok: boolean; readonly text: string };

export function ask(
  host: string,
  port: number,
  options: { method?: 'GET' | 'POST'; agent?: Agent } = {},
): Promise<Answer> {
  const { method = 'GET', agent } = options;
  return new Promise((resolve) => {
    const sent = request(
      { host, port, method, path: '/entries', agent: agent ?? false, timeout: 10_000 },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('end', () => resolve({ ok: response.statusCode === 200, text }));
        response.on('error', (error) => resolve({ ok: false, text: error.message }));
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', (error) => resolve({ ok: false, text: `${method} ${error.message}` }));
    sent.end(method === 'POST' ? 'an entry' : undefined);
  });
}

/** Keep-alive and new connections, reads and writes, until stopped. */
export class Traffic {
  readonly failures: string[] = [];
  /** Answers by app since the last call of `since`. */
  readonly answers = new Map<string, number>();
  sent = 0;
  readonly #agents: Agent[] = [];
  readonly #loops: Promise<void>[] = [];
  #stopped = false;

  constructor(host: string, port: number, loops = 12) {
    for (let i = 0; i < loops; i++) {
      const agent = i % 2 === 0 ? new Agent({ keepAlive: true, maxSockets: 1 }) : undefined;
      if (agent !== undefined) this.#agents.push(agent);
      this.#loops.push(this.#loop(host, port, i % 4 === 3 ? 'POST' : 'GET', agent));
    }
  }

  async #loop(host: string, port: number, method: 'GET' | 'POST', agent?: Agent): Promise<void> {
    while (!this.#stopped) {
      const answer = await ask(host, port, agent === undefined ? { method } : { method, agent });
      this.sent++;
      if (answer.ok) this.answers.set(answer.text, (this.answers.get(answer.text) ?? 0) + 1);
      else this.failures.push(answer.text);
      // A failure answers at once: without a pause the loop would only count failures.
      await sleep(answer.ok ? 2 : 20);
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#loops);
    for (const agent of this.#agents) agent.destroy();
  }
}

/** Polls until `check` holds. Throws with `what` after `limitMs`. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`not in ${limitMs} ms: ${what}`);
    await sleep(10);
  }
}
