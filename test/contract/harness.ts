// Runs the steps of one contract scenario against the API over real HTTPS, with an in-memory store
// and workers that end operations the way reconcilers and runners do.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { createApi } from '../../src/api/create-api.ts';
import { ensurePki } from '../../src/server/pki/ensure-pki.ts';
import { serveHttps } from '../../src/server/pki/serve-https.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import type { Store } from '../../src/store/store.ts';
import { systemClock } from '../../src/support/clock.ts';
import { actAs } from './workers.ts';
import type { Act } from './workers.ts';

export const SUBSCRIPTION = '11111111-1111-4111-8111-111111111111';
export const TENANT = '22222222-2222-4222-8222-222222222222';
export const TOKEN = 'a-token-for-contract-tests';
const API_VERSION = 'api-version=2024-03-01';

export type Step = {
  /** What a worker does before the request. */
  readonly act?: Act;
  readonly request?: {
    readonly method: string;
    /** `{rg}` is `/subscriptions/{s}/resourceGroups/shop-rg`; api-version is added unless it has one. */
    readonly path: string;
    readonly headers?: Readonly<Record<string, string | null>>;
    readonly body?: unknown;
    /** Sent as it is. */
    readonly text?: string;
  };
  readonly response?: {
    readonly status: number;
    /** Texts that begin with `~` are patterns; null says the header is absent. */
    readonly headers?: Readonly<Record<string, string | null>>;
    /** Must be contained; texts that begin with `~` are patterns; null says the field is absent. */
    readonly body?: unknown;
  };
  /** Remembers parts of the reply for `{name}` in later steps: a header, or `body.a.b`. */
  readonly save?: Readonly<Record<string, string>>;
};

export type Reply = {
  status: number;
  headers: Record<string, string>;
  body: unknown;
  text: string;
};

export class ContractServer {
  readonly store: Store;
  readonly baseUrl: string;
  readonly logged: string[];
  readonly #folder: string;
  readonly #agent: Agent;
  readonly #close: () => Promise<void>;
  readonly #saved = new Map<string, string>();

  private constructor(parts: {
    store: Store;
    baseUrl: string;
    folder: string;
    agent: Agent;
    logged: string[];
    close: () => Promise<void>;
  }) {
    this.store = parts.store;
    this.baseUrl = parts.baseUrl;
    this.logged = parts.logged;
    this.#folder = parts.folder;
    this.#agent = parts.agent;
    this.#close = parts.close;
    this.#saved.set('s', `/subscriptions/${SUBSCRIPTION}`);
    this.#saved.set('rg', `/subscriptions/${SUBSCRIPTION}/resourceGroups/shop-rg`);
    this.#saved.set('base', parts.baseUrl);
  }

  static async start(): Promise<ContractServer> {
    const folder = await mkdtemp(join(tmpdir(), 'rollset-contract-'));
    const store = await openStore(':memory:');
    const pki = await ensurePki(join(folder, 'pki'), systemClock);
    const logged: string[] = [];
    let ids = 0;
    const api = createApi({
      store,
      clock: systemClock,
      ids: {
        uuid: () => `00000000-0000-4000-8000-${String((ids += 1)).padStart(12, '0')}`,
        short: (length) => `x${String((ids += 1)).padStart(length - 1, '0')}`,
      },
      logger: {
        info: () => {},
        error: (fields, sentence) => {
          const { err } = fields as { err?: unknown };
          logged.push(`${sentence}: ${err instanceof Error ? err.stack : String(err)}`);
        },
      },
      token: TOKEN,
      subscriptionId: SUBSCRIPTION,
      tenantId: TENANT,
      dataFolder: folder,
      sasKey: new Uint8Array(32).fill(7),
      readConsole: (_set, instanceId) => Promise.resolve(`console of ${instanceId}\n`),
    });
    const server = await serveHttps(api, { hostname: '127.0.0.1', port: 0, ...pki });
    const agent = new Agent({ connect: { ca: pki.ca } });
    return new ContractServer({
      store,
      baseUrl: `https://127.0.0.1:${server.port}`,
      folder,
      agent,
      logged,
      close: () => server.close(0),
    });
  }

  async close(): Promise<void> {
    await this.#agent.close();
    await this.#close();
    await this.store.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get folder(): string {
    return this.#folder;
  }

  /** The reply, and the step with `{names}` filled in. */
  async run(raw: Step): Promise<{ step: Step; reply: Reply | undefined }> {
    const step = this.#fill(raw) as Step;
    if (step.act !== undefined) await actAs(this.store, step.act);
    if (step.request === undefined) return { step, reply: undefined };
    const reply = await this.send(step.request);
    for (const [name, from] of Object.entries(step.save ?? {})) {
      this.#saved.set(name, String(pick(reply, from)));
    }
    return { step, reply };
  }

  async send(request: NonNullable<Step['request']>): Promise<Reply> {
    const given = Object.entries(request.headers ?? {});
    const headers: Record<string, string> = { authorization: `Bearer ${TOKEN}` };
    if (request.body !== undefined) headers['content-type'] = 'application/json';
    for (const [name, value] of given) {
      if (value === null) delete headers[name];
      else headers[name] = value;
    }
    const body = request.text ?? (request.body === undefined ? null : JSON.stringify(request.body));
    const response = await fetch(withApiVersion(this.baseUrl, request.path), {
      method: request.method,
      headers,
      body,
      dispatcher: this.#agent,
      redirect: 'manual',
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: parse(text),
      text,
    };
  }

  #fill(value: unknown): unknown {
    if (typeof value === 'string') {
      return value.replaceAll(
        /\{(\w+)\}/g,
        (whole, name: string) => this.#saved.get(name) ?? whole,
      );
    }
    if (Array.isArray(value)) return value.map((item) => this.#fill(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, this.#fill(child)]),
    );
  }
}

function withApiVersion(baseUrl: string, path: string): string {
  const url = path.startsWith('https:') ? path : `${baseUrl}${path}`;
  if (url.includes('api-version') || url.includes('sig=')) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${API_VERSION}`;
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
}

function pick(reply: Reply, from: string): unknown {
  if (!from.startsWith('body.')) return reply.headers[from];
  return from
    .split('.')
    .slice(1)
    .reduce<unknown>((value, key) => (value as Record<string, unknown>)[key], reply.body);
}
