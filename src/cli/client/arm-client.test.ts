import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import type { Clock } from '../../support/clock.ts';
import { ArmClient } from './arm-client.ts';
import { ArmRequestError, ContactLost } from './errors.ts';
import { HttpClient } from './http.ts';

type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };
type Handler = (request: IncomingMessage, body: string) => Answer;

let server: Server | undefined;
let http: HttpClient | undefined;
afterEach(async () => {
  await http?.close();
  await stop();
});

async function stop(): Promise<void> {
  server?.closeAllConnections();
  await new Promise((resolve) => (server?.listening ? server.close(resolve) : resolve(undefined)));
}

/** Time that only sleeping moves: each sleep ends at once. */
function jumpingClock(): Clock & { slept: number[] } {
  let now = 1000;
  const slept: number[] = [];
  return {
    slept,
    now: () => now,
    sleep: (ms) => {
      now += ms;
      slept.push(ms);
      return systemClock.sleep(0);
    },
  };
}

async function serve(handler: Handler, port = 0): Promise<string> {
  server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    request.on('end', () => {
      const { status = 200, headers = {}, body } = handler(request, text);
      response.writeHead(status, headers);
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server?.listen(port, '127.0.0.1', () => resolve()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function client(endpoint: string, clock: Clock = jumpingClock()): ArmClient {
  const connection = { endpoint, subscriptionId: 's', clientSecret: 'token' };
  http = new HttpClient(connection, { clock });
  return new ArmClient(connection, { http, clock });
}

const PUT = { method: 'PUT', path: '/things/a', apiVersion: '2024-01-01', body: { x: 1 } } as const;

test('a PUT sends token, api-version and body, waits for its operation, and reads the resource', async () => {
  const seen: string[] = [];
  let polls = 0;
  const endpoint = await serve((request, body) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`);
    if (request.url?.startsWith('/operations')) {
      polls += 1;
      return { body: { status: polls < 3 ? 'InProgress' : 'Succeeded' } };
    }
    if (request.method === 'GET') return { body: { name: 'a', properties: { done: true } } };
    const headers = { 'azure-asyncoperation': `${endpoint}/operations/1?api-version=x` };
    return { status: 201, headers: { ...headers, 'retry-after': '30' }, body: { name: 'a' } };
  });
  const clock = jumpingClock();
  const result = await client(endpoint, clock).run(PUT);
  expect(result).toEqual({ name: 'a', properties: { done: true } });
  expect(seen[0]).toBe('PUT /things/a?api-version=2024-01-01 Bearer token {"x":1}');
  expect(seen).toHaveLength(5);
  // On this machine asking again costs nothing, so Retry-After is not waited for.
  expect(clock.slept).toEqual([200, 200]);
});

test('a POST takes its result from Location', async () => {
  const endpoint = await serve((request) => {
    if (request.url?.includes('monitor')) return { body: { value: [] } };
    if (request.url?.startsWith('/operations')) return { body: { status: 'Succeeded' } };
    const at = `${endpoint}/operations/1?api-version=x`;
    return { status: 202, headers: { 'azure-asyncoperation': at, location: `${at}&monitor=true` } };
  });
  const call = { method: 'POST', path: '/things/a/run', apiVersion: '2024-01-01' } as const;
  expect(await client(endpoint).run(call)).toEqual({ value: [] });
});

test('a failed operation throws its code and message', async () => {
  const error = { code: 'BadThing', message: 'it is bad' };
  const endpoint = await serve((request) =>
    request.url?.startsWith('/operations')
      ? { body: { status: 'Failed', error } }
      : { status: 202, headers: { 'azure-asyncoperation': `${endpoint}/operations/1?a=b` } },
  );
  await expect(client(endpoint).run(PUT)).rejects.toThrow('it is bad (BadThing)');
});

test('a refusal throws code, message and status; 404 can be looked for', async () => {
  const endpoint = await serve(() => ({
    status: 404,
    body: { error: { code: 'ResourceNotFound', message: 'not there' } },
  }));
  const arm = client(endpoint);
  await expect(arm.get('/things/a', '1')).rejects.toMatchObject({
    code: 'ResourceNotFound',
    status: 404,
  });
  expect(await arm.find('/things/a', '1')).toBeUndefined();
});

test('lists are read to their last page', async () => {
  const endpoint = await serve((request) =>
    request.url?.includes('page=2')
      ? { body: { value: [{ name: 'b' }] } }
      : { body: { value: [{ name: 'a' }], nextLink: `${endpoint}/things?page=2` } },
  );
  expect(await client(endpoint).list('/things', '1')).toEqual([{ name: 'a' }, { name: 'b' }]);
});

test('a throttled call is sent again', async () => {
  let calls = 0;
  const endpoint = await serve(() => {
    calls += 1;
    return calls < 3 ? { status: 429, headers: { 'retry-after': '1' } } : { body: { ok: true } };
  });
  expect(await client(endpoint).get('/things', '1')).toEqual({ ok: true });
});

test('where nothing ever answered, that is told at once', async () => {
  const endpoint = await serve(() => ({}));
  await stop();
  const clock = jumpingClock();
  const failure = client(endpoint, clock).get('/things', '1');
  await expect(failure).rejects.toThrow(/does not answer \(nothing listens there\): start it/);
  expect(clock.slept).toEqual([]);
});

test('an endpoint that had answered has half a minute to come back', async () => {
  const endpoint = await serve(() => ({ body: { at: 'first' } }));
  const clock = jumpingClock();
  const arm = client(endpoint, clock);
  await arm.get('/things', '1');
  await stop();
  await expect(arm.get('/things', '1')).rejects.toBeInstanceOf(ContactLost);
  expect(clock.slept.reduce((sum, ms) => sum + ms, 0)).toBe(30_000);
  const { port } = new URL(endpoint);
  await serve(() => ({ body: { at: 'second' } }), Number(port));
  expect(await arm.get('/things', '1')).toEqual({ at: 'second' });
});

test('what may have been done already is not sent twice', async () => {
  const endpoint = await serve(() => ({ body: {} }));
  const clock = jumpingClock();
  const arm = client(endpoint, clock);
  await arm.get('/things', '1');
  await stop();
  const call = { method: 'POST', path: '/things/a/run', apiVersion: '1' } as const;
  await expect(arm.run(call)).rejects.toBeInstanceOf(ContactLost);
  expect(clock.slept).toEqual([]);
});

test('the token goes to the control plane only', async () => {
  const endpoint = await serve((request) => {
    const elsewhere = endpoint.replace('127.0.0.1', 'localhost');
    return request.url?.startsWith('/things')
      ? { status: 202, headers: { location: `${elsewhere}/other` } }
      : { body: { token: request.headers.authorization ?? 'none' } };
  });
  const call = { method: 'POST', path: '/things', apiVersion: '1' } as const;
  expect(await client(endpoint).run(call)).toEqual({ token: 'none' });
});

test('an answer that is not ARM is told as what it is', async () => {
  const endpoint = await serve(() => ({ status: 502 }));
  const failure = client(endpoint).get('/things', '1');
  await expect(failure).rejects.toBeInstanceOf(ArmRequestError);
  await expect(failure).rejects.toThrow('GET /things was answered with HTTP 502 (Http502)');
});
