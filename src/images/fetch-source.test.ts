import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createFetchSource, FetchRefused } from './fetch-source.ts';

let server: Server;
let origin: string;
let folder: string;
const fetchSource = createFetchSource('');
const { signal } = new AbortController();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-fetch-'));
  server = createServer((request, response) => {
    response.statusCode = Number(request.url?.slice(1) ?? 200);
    response.end('content');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

test('what the server sends goes into the file', async () => {
  await fetchSource(`${origin}/200`, join(folder, 'file'), signal);
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('content');
});

test('a refusal is final, a fault of the server is not', async () => {
  const to = join(folder, 'other');
  await expect(fetchSource(`${origin}/403`, to, signal)).rejects.toThrow(FetchRefused);
  const fault = fetchSource(`${origin}/503`, to, signal).catch((error: unknown) => error);
  expect(await fault).not.toBeInstanceOf(FetchRefused);
  expect(await fault).toMatchObject({ message: 'the server answered 503 Service Unavailable' });
});

test('only the web is fetched', async () => {
  const local = fetchSource('file:///etc/passwd', join(folder, 'no'), signal);
  await expect(local).rejects.toThrow('only http and https addresses can be fetched');
});
