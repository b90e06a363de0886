// The HTTP side of the core: from hono's request to an ArmRequest, from a reply or an error to
// bytes. The one place where errors become replies.
import type { Context } from 'hono';
import type { ContentfulStatusCode, StatusCode } from 'hono/utils/http-status';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../support/clock.ts';
import type { Ids } from '../../support/ids.ts';
import { parseApiVersion } from './api-version.ts';
import { ArmError } from './arm-error.ts';
import { parseArmPath } from './arm-path.ts';
import type { ArmEnvironment, ArmReply, ArmRequest } from './arm-request.ts';
import { checkBearerToken } from './authentication.ts';
import type { Declaration } from './declaration.ts';
import { handle } from './handle.ts';
import { readJsonBody } from './json-body.ts';
import { Registry } from './registry.ts';
import type { RequestIds } from './request-ids.ts';
import { WriteQueue } from './write-queue.ts';

export type ApiLogger = {
  info(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
};

export type ArmDependencies = {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: ApiLogger;
  readonly subscriptionId: string;
  /** The bearer token that every request must carry. */
  readonly token: string;
};

type Env = { Variables: RequestIds };

export type ArmHandler = (c: Context<Env>) => Promise<Response>;

/** Answers every request that is ARM's, by the declarations alone. */
export function createArmHandler(
  dependencies: ArmDependencies,
  declarations: readonly Declaration[],
): ArmHandler {
  const environment: ArmEnvironment = {
    ...dependencies,
    registry: new Registry(declarations),
    writes: new WriteQueue(),
  };
  return async (c) => {
    try {
      checkBearerToken(c.req.header('authorization'), dependencies.token);
      return sendReply(c, await handle(await toArmRequest(environment, c)));
    } catch (error) {
      return sendError(c, error, dependencies.logger);
    }
  };
}

/** `https://host` as the client addressed it, so that absolute URLs in replies lead back here. */
export function baseUrlOf(c: Context): string {
  const { origin } = new URL(c.req.url);
  return origin;
}

/** Errors of the caller as they are; anything else is ours: logged whole, shown as an id. */
export function sendError(c: Context<Env>, error: unknown, logger: ApiLogger): Response {
  if (error instanceof ArmError) {
    if (error.status === 401) {
      c.header('WWW-Authenticate', `Bearer realm="rollset", error="invalid_token"`);
    }
    return c.json({ error: error.toBody() }, error.status as ContentfulStatusCode);
  }
  // The client hung up in the middle: nobody is there to answer, and nothing went wrong here.
  if (c.req.raw.signal.aborted) return c.body(null, 400);
  const requestId = c.get('requestId');
  logger.error({ err: error, requestId, method: c.req.method, path: c.req.path }, 'request failed');
  return c.json(
    {
      error: {
        code: 'InternalServerError',
        message: `The server met an error it does not know. Its log has it under the request id ${requestId}.`,
      },
    },
    500,
  );
}

async function toArmRequest(environment: ArmEnvironment, c: Context<Env>): Promise<ArmRequest> {
  const { pathname, searchParams } = new URL(c.req.url);
  const ifMatch = c.req.header('if-match');
  const ifNoneMatch = c.req.header('if-none-match');
  const path = parseArmPath(pathname);
  const apiVersion = parseApiVersion(searchParams);
  const { method } = c.req.raw;
  return {
    environment,
    context: {
      store: environment.store,
      now: environment.clock.now(),
      ids: environment.ids,
      baseUrl: baseUrlOf(c),
      query: searchParams,
    },
    method,
    pathname,
    path,
    apiVersion,
    preconditions: {
      ...(ifMatch === undefined ? {} : { ifMatch }),
      ...(ifNoneMatch === undefined || method === 'GET' ? {} : { ifNoneMatch }),
    },
    body: hasBody(method) ? await readJsonBody(c.req.raw) : undefined,
  };
}

function hasBody(method: string): boolean {
  return method === 'PUT' || method === 'PATCH' || method === 'POST';
}

function sendReply(c: Context<Env>, reply: ArmReply): Response {
  for (const [name, value] of Object.entries(reply.headers ?? {})) c.header(name, value);
  if (reply.body === undefined) return c.body(null, reply.status as StatusCode);
  return c.json(reply.body, reply.status as ContentfulStatusCode);
}
