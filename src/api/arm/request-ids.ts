// The ids by which client and server speak of one request. Headers are set before the handler:
// setting them after it costs half the throughput of the HTTP stack.
import type { MiddlewareHandler } from 'hono';
import type { Ids } from '../../support/ids.ts';

/** Echoed into a header, so only harmless text of a sane length is. */
const HARMLESS = /^[\x21-\x7e]{1,128}$/;

export type RequestIds = { readonly requestId: string };

export function requestIds(ids: Ids): MiddlewareHandler<{ Variables: RequestIds }> {
  return async (c, next) => {
    const requestId = ids.uuid();
    c.set('requestId', requestId);
    const correlation = harmless(c.req.header('x-ms-correlation-request-id')) ?? requestId;
    const client = harmless(c.req.header('x-ms-client-request-id'));
    c.header('x-ms-request-id', requestId);
    c.header('x-ms-correlation-request-id', correlation);
    c.header('x-ms-routing-request-id', `LOCAL:${requestId}`);
    if (client !== undefined) c.header('x-ms-client-request-id', client);
    c.header('Cache-Control', 'no-cache');
    c.header('X-Content-Type-Options', 'nosniff');
    await next();
  };
}

function harmless(text: string | undefined): string | undefined {
  return text !== undefined && HARMLESS.test(text) ? text : undefined;
}
