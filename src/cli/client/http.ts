// HTTPS to one control plane: its CA, the bearer token, timeouts, and patience when it goes away.
import { Agent, request } from 'undici';
import type { Clock } from '../../support/clock.ts';
import { sentenceOf } from '../failure.ts';
import { ContactLost } from './errors.ts';
import type { ClientConnection } from './find-connection.ts';
import { CONTACT_PATIENCE_MS, CONTACT_RETRY_MS, REQUEST_TIMEOUT_MS } from './limits.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer | string;
  /** Sent only to the control plane itself, never along with a signed URL. */
  readonly authorize: boolean;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
};

export type HttpOptions = {
  readonly clock: Clock;
  /** For tests; CONTACT_PATIENCE_MS otherwise. */
  readonly patienceMs?: number;
};

export class HttpClient {
  readonly #connection: ClientConnection;
  readonly #options: HttpOptions;
  readonly #agent: Agent;
  /** A control plane that never answered is not there: that is told at once, not after a wait. */
  #hasAnswered = false;

  constructor(connection: ClientConnection, options: HttpOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#agent = new Agent({
      connect: connection.ca === undefined ? {} : { ca: connection.ca },
      headersTimeout: REQUEST_TIMEOUT_MS,
      bodyTimeout: REQUEST_TIMEOUT_MS,
    });
  }

  /** Rejects with ContactLost without an answer; any status is an answer. */
  async send(message: HttpRequest): Promise<HttpAnswer> {
    const { clock, patienceMs = CONTACT_PATIENCE_MS } = this.#options;
    // Asked twice, these change nothing; anything else may have been done already.
    const isSafe = message.method === 'GET' || message.method === 'HEAD';
    const until = clock.now() + (isSafe && this.#hasAnswered ? patienceMs : 0);
    for (;;) {
      try {
        return await this.#sendOnce(message);
      } catch (error) {
        if (clock.now() >= until) throw this.#contactLost(message.url, error);
        await clock.sleep(CONTACT_RETRY_MS);
      }
    }
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #sendOnce(message: HttpRequest): Promise<HttpAnswer> {
    const { method, url, body, authorize } = message;
    const answer = await request(url, {
      dispatcher: this.#agent,
      method,
      headers: {
        ...message.headers,
        ...(authorize ? { authorization: `Bearer ${this.#connection.clientSecret}` } : {}),
      },
      ...(body === undefined ? {} : { body }),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    this.#hasAnswered = true;
    return { status: answer.statusCode, headers: flat(answer.headers), body: bytes };
  }

  #contactLost(url: string, error: unknown): ContactLost {
    const { origin } = new URL(url);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const why = code === 'ECONNREFUSED' ? 'nothing listens there' : sentenceOf(error) || code;
    const hint = /CERT|SIGNATURE|TLS/.test(code)
      ? 'its certificate is not trusted: use the connection file of this control plane'
      : 'start it with `rollset up`, or name another with --data, --endpoint or --connection';
    return new ContactLost(`${origin} does not answer (${why}): ${hint}`, error);
  }
}

function flat(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([key, value]) =>
      value === undefined ? [] : [[key.toLowerCase(), [value].flat().join(', ')]],
    ),
  );
}
