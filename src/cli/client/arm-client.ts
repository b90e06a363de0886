// A thin ARM client: requests, errors in ARM's words, lists, and long-running operations by header.
import { z } from 'zod';
import type { Json, JsonObject } from '../../model/resource.ts';
import type { Clock } from '../../support/clock.ts';
import { CommandFailure } from '../failure.ts';
import { ArmRequestError } from './errors.ts';
import type { ClientConnection } from './find-connection.ts';
import type { HttpAnswer, HttpClient } from './http.ts';
import {
  DEFAULT_POLL_MS,
  LOOPBACK_POLL_MS,
  PAGES_MAX,
  RETRY_AFTER_MAX_MS,
  THROTTLED_RETRIES,
} from './limits.ts';

export type ArmCall = {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  readonly path: string;
  readonly apiVersion: string;
  readonly body?: JsonObject;
};

export type OperationState =
  | { readonly status: 'InProgress' }
  | { readonly status: 'Succeeded' }
  | { readonly status: 'Failed' | 'Canceled'; readonly error: ArmRequestError };

/** A call that was accepted; it may be done already. */
export type Operation = {
  /** Body of the first answer. */
  readonly body: JsonObject;
  poll(): Promise<OperationState>;
  /** Body of the result, asked for after success. */
  result(): Promise<JsonObject>;
};

const errorSchema = z.object({ code: z.string(), message: z.string() });
const envelopeSchema = z.object({ error: errorSchema });
const statusSchema = z.looseObject({ status: z.string(), error: errorSchema.optional() });
const pageSchema = z.looseObject({
  value: z.array(z.record(z.string(), z.unknown())),
  nextLink: z.string().nullish(),
});

export class ArmClient {
  readonly #http: HttpClient;
  readonly #clock: Clock;
  readonly #endpoint: string;
  /** The last answer's advice on when to ask again. */
  #retryAfter: string | undefined;
  readonly subscriptionId: string;

  constructor(connection: ClientConnection, parts: { http: HttpClient; clock: Clock }) {
    this.#http = parts.http;
    this.#clock = parts.clock;
    this.#endpoint = connection.endpoint;
    this.subscriptionId = connection.subscriptionId;
  }

  async get(path: string, apiVersion: string): Promise<JsonObject> {
    return bodyOf(await this.#send({ method: 'GET', path, apiVersion }));
  }

  /** Undefined on 404. */
  async find(path: string, apiVersion: string): Promise<JsonObject | undefined> {
    try {
      return await this.get(path, apiVersion);
    } catch (error) {
      if (error instanceof ArmRequestError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Every page of a list. */
  async list(path: string, apiVersion: string): Promise<JsonObject[]> {
    const items: JsonObject[] = [];
    let url: string | null | undefined = this.#urlOf(path, apiVersion);
    for (let page = 0; url && page < PAGES_MAX; page += 1) {
      const answer = await this.#sendUrl({ method: 'GET', url });
      const { value, nextLink } = pageSchema.parse(bodyOf(answer));
      items.push(...(value as JsonObject[]));
      url = nextLink;
    }
    return items;
  }

  /** Sends the call and returns while its operation may still run. */
  async begin(call: ArmCall): Promise<Operation> {
    const answer = await this.#send(call);
    const statusUrl = answer.headers['azure-asyncoperation'];
    const location = answer.headers['location'];
    const isAccepted = answer.status === 201 || answer.status === 202;
    return {
      body: bodyOf(answer),
      poll: async () => {
        if (statusUrl !== undefined) return this.#pollStatus(statusUrl);
        if (location !== undefined && isAccepted) return this.#pollLocation(location);
        return { status: 'Succeeded' };
      },
      result: async () => {
        if (call.method === 'PUT') return this.get(call.path, call.apiVersion);
        if (location === undefined) return bodyOf(answer);
        return bodyOf(await this.#sendUrl({ method: 'GET', url: location }));
      },
    };
  }

  /** Sends the call, waits for its end, and returns the result. Throws ArmRequestError. */
  async run(call: ArmCall, signal?: AbortSignal): Promise<JsonObject> {
    const operation = await this.begin(call);
    for (;;) {
      const state = await operation.poll();
      if (state.status === 'Succeeded') return operation.result();
      if (state.status !== 'InProgress') throw state.error;
      await this.pause(signal);
    }
  }

  /** Waits as long as is polite before asking again: briefly on this machine. */
  async pause(signal?: AbortSignal): Promise<void> {
    await this.#clock.sleep(this.#pollMs(), signal);
  }

  async #pollStatus(url: string): Promise<OperationState> {
    const answer = await this.#sendUrl({ method: 'GET', url });
    const { status, error } = statusSchema.parse(bodyOf(answer));
    if (/^succeeded$/i.test(status)) return { status: 'Succeeded' };
    if (/^(failed|cancell?ed)$/i.test(status)) {
      const isFailed = /^failed$/i.test(status);
      const { code, message } = error ?? {
        code: isFailed ? 'OperationFailed' : 'OperationCanceled',
        message: `the operation ${isFailed ? 'failed' : 'was canceled'} and the service says no more`,
      };
      return {
        status: isFailed ? 'Failed' : 'Canceled',
        error: new ArmRequestError({ code, message, status: answer.status }),
      };
    }
    return { status: 'InProgress' };
  }

  async #pollLocation(url: string): Promise<OperationState> {
    const { status } = await this.#sendUrl({ method: 'GET', url });
    return { status: status === 202 ? 'InProgress' : 'Succeeded' };
  }

  async #send({ method, path, apiVersion, body }: ArmCall): Promise<HttpAnswer> {
    const url = this.#urlOf(path, apiVersion);
    return this.#sendUrl({ method, url, ...(body === undefined ? {} : { body }) });
  }

  /** A throttled (429) or overloaded (503) service has not done the work, so it is asked again. */
  async #sendUrl(message: {
    method: ArmCall['method'];
    url: string;
    body?: JsonObject;
  }): Promise<HttpAnswer> {
    const { method, url, body } = message;
    for (let attempt = 0; ; attempt += 1) {
      const answer = await this.#http.send({
        method,
        url,
        authorize: new URL(url).origin === new URL(this.#endpoint).origin,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      this.#retryAfter = answer.headers['retry-after'];
      if (answer.status < 400) return answer;
      const isBusy = answer.status === 429 || answer.status === 503;
      if (!isBusy || attempt >= THROTTLED_RETRIES) throw toError(answer, method, url);
      await this.#clock.sleep(this.#pollMs());
    }
  }

  #urlOf(path: string, apiVersion: string): string {
    const [plain = '', query] = path.split('?');
    const extra = query === undefined ? '' : `&${query}`;
    return `${this.#endpoint}${encodeURI(plain)}?api-version=${apiVersion}${extra}`;
  }

  #pollMs(): number {
    if (isLoopback(this.#endpoint)) return LOOPBACK_POLL_MS;
    const seconds = Number(this.#retryAfter);
    return seconds > 0 ? Math.min(seconds * 1000, RETRY_AFTER_MAX_MS) : DEFAULT_POLL_MS;
  }
}

export function isLoopback(endpoint: string): boolean {
  const { hostname } = new URL(endpoint);
  return hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
}

function bodyOf(answer: HttpAnswer): JsonObject {
  const text = answer.body.toString('utf8').trim();
  if (text === '') return {};
  const value = parseJson(text);
  if (isObject(value)) return value;
  // Some Compute lists are bare.
  if (Array.isArray(value)) return { value: value as Json[] };
  throw new CommandFailure(
    `the endpoint answered HTTP ${answer.status} without JSON: is it an Azure Resource Manager?`,
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function toError(answer: HttpAnswer, method: string, url: string): ArmRequestError {
  const { status } = answer;
  const { pathname } = new URL(url);
  const parsed = envelopeSchema.safeParse(parseJson(answer.body.toString('utf8')));
  if (parsed.success) return new ArmRequestError({ ...parsed.data.error, status });
  const message = `${method} ${pathname} was answered with HTTP ${status}`;
  return new ArmRequestError({ code: `Http${status}`, message, status });
}
