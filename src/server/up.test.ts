import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Agent, request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Connection } from '../model/connection.ts';
import { type ControlPlane, runControlPlane } from './up.ts';

let folder: string;
const running: { ending: AbortController; plane: ControlPlane }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-up-'));
});
afterEach(async () => {
  for (const { ending, plane } of running.splice(0)) {
    ending.abort();
    await plane.closed;
  }
  await rm(folder, { recursive: true, force: true });
});

async function up(port = 0): Promise<{ plane: ControlPlane; end: () => Promise<void> }> {
  const ending = new AbortController();
  const plane = await runControlPlane({
    dataFolder: join(folder, 'data'),
    listen: { host: '127.0.0.1', port },
    engine: 'simulated',
    logger: pino({ enabled: false }),
    signal: ending.signal,
  });
  running.push({ ending, plane });
  return {
    plane,
    end: async () => {
      ending.abort();
      await plane.closed;
    },
  };
}

async function call(connection: Connection, method: 'GET' | 'POST', path: string, token?: string) {
  const dispatcher = new Agent({ connect: { ca: await readFile(connection.caBundle) } });
  const { statusCode, body } = await request(`${connection.endpoint}${path}`, {
    method,
    dispatcher,
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const text = await body.text();
  await dispatcher.close();
  return { statusCode, text };
}

const SUBSCRIPTIONS = '/subscriptions?api-version=2022-12-01';

test('serves ARM over TLS to who has the token, and to nobody else', async () => {
  const { plane } = await up();
  const { connection } = plane;
  const good = await call(connection, 'GET', SUBSCRIPTIONS, connection.clientSecret);
  expect(good.statusCode).toBe(200);
  expect(JSON.parse(good.text)).toMatchObject({
    value: [{ subscriptionId: connection.subscriptionId }],
  });
  expect((await call(connection, 'GET', SUBSCRIPTIONS)).statusCode).toBe(401);
  expect((await call(connection, 'GET', SUBSCRIPTIONS, 'wrong')).statusCode).toBe(401);
  expect((await call(connection, 'POST', '/rollset/down', 'wrong')).statusCode).toBe(401);
});

test('the connection file is ours alone, is there while it runs, and survives with its secrets', async () => {
  const first = await up();
  const file = join(folder, 'data', 'connection.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(first.plane.connection);
  await first.end();
  await expect(stat(file)).rejects.toThrow('ENOENT');
  const second = await up();
  const { clientSecret, subscriptionId } = first.plane.connection;
  expect(second.plane.connection).toMatchObject({ clientSecret, subscriptionId });
});

test('a second control plane on the same data is refused with one sentence', async () => {
  await up();
  await expect(up()).rejects.toThrow(/another control plane is already running on .*data; use it/);
});

test('a port in use is named, and everything opened before is closed again', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(up(port)).rejects.toThrow(`127.0.0.1:${port} is already in use`);
  await new Promise((resolve) => other.close(resolve));
  await up(port);
});

test('down answers, then the control plane ends', async () => {
  const { plane } = await up();
  const { connection } = plane;
  const answer = await call(connection, 'POST', '/rollset/down', connection.clientSecret);
  expect(answer.statusCode).toBe(202);
  await plane.closed;
});
