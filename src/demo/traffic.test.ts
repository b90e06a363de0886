// Traffic is judged as a user would: what is not answered with success has failed, with its reason.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock } from '../support/clock.ts';
import { Traffic } from './traffic.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

test('reads and writes flow over kept and new connections, and acknowledged entries are remembered', async () => {
  const connections = new Set<unknown>();
  const seen = new Set<string>();
  const url = await serve((request, response) => {
    connections.add(request.socket);
    seen.add(`${request.method} ${request.url} ${request.headers.connection}`);
    if (request.method === 'POST') response.writeHead(201).end('{"id":"7","instance":"vm0"}');
    else response.end('ok');
  });
  const traffic = new Traffic(url, systemClock);
  traffic.start();
  await vi.waitUntil(() => traffic.count().sent >= 12, { timeout: 10_000 });
  await traffic.stop();
  expect(traffic.count().failed).toBe(0);
  expect(traffic.acknowledged[0]).toEqual({ id: '7', instance: 'vm0', text: 'entry 1' });
  expect([...seen].toSorted()).toEqual([
    'GET / close',
    'GET / keep-alive',
    'GET /version close',
    'GET /version keep-alive',
    'POST /entries close',
    'POST /entries keep-alive',
  ]);
  // Two clients keep theirs; the other two open one per request.
  expect(connections.size).toBeGreaterThan(4);
  expect(connections.size).toBeLessThan(traffic.count().sent);
});

test('an error status, a hang-up and a wrong answer are failures with their reason', async () => {
  const url = await serve((request, response) => {
    if (request.method === 'POST') response.end('not json');
    else if (request.headers.connection === 'close') request.socket.destroy();
    else response.writeHead(503).end('down');
  });
  const traffic = new Traffic(url, systemClock);
  traffic.start();
  await vi.waitUntil(() => traffic.count().failed >= 4, { timeout: 10_000 });
  await traffic.stop();
  expect(traffic.count().failed).toBe(traffic.count().sent);
  const reasons = traffic.failures.map(({ what, reason }) => `${what}: ${reason}`).join('\n');
  expect(reasons).toContain('HTTP 503: down');
  expect(reasons).toContain('GET / (new connection): socket hang up');
  expect(reasons).toMatch(/POST \/entries .*JSON/);
  expect(traffic.acknowledged).toEqual([]);
});
