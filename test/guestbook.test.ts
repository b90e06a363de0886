// The example app on the host: what each version answers, and that version 3 fails only on real data.
import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { z } from 'zod';

const EXAMPLE = join(import.meta.dirname, '..', 'examples', 'guestbook');
const Created = z.object({ id: z.string(), instance: z.string() });
const Entry = z.looseObject({ id: z.string(), instance: z.string(), text: z.string() });
const Listing = z.object({ instance: z.string(), entries: z.array(Entry) });

let folder = '';
const running = new Set<ChildProcess>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestbook-'));
});

afterEach(async () => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  await rm(folder, { recursive: true, force: true });
});

test('an entry is answered once it is a file of its own that names its instance', async () => {
  const app = await start('1.0.0');
  const created = await sign(app.url, 'hello <world>');
  expect(created.instance).toBe(hostname());
  const file = await readFile(entryFile(created.id), 'utf8');
  expect(file).toMatch(/^instance: .+\nwritten: .+\n\nhello <world>$/);
  const { id, instance, text } = Entry.parse(
    await (await fetch(`${app.url}/entries/${created.id}`)).json(),
  );
  expect({ id, instance, text }).toEqual({ ...created, text: 'hello <world>' });
  expect(await (await fetch(app.url)).text()).toContain('hello &lt;world>');
  expect(await listing(app.url)).toHaveLength(1);
});

test('any text is served as it was written', async () => {
  const app = await start('1.0.0');
  const text = 'a "quoted" \\ line\nand\tanother\u0001, \u{1f600}: end';
  const { id } = await sign(app.url, text);
  expect((await listing(app.url)).map((entry) => [entry.id, entry.text])).toEqual([[id, text]]);
});

test('version 2 reads what version 1 wrote and leaves the file as it was', async () => {
  const one = await start('1.0.0');
  const old = await sign(one.url, 'from version 1');
  const before = await readFile(entryFile(old.id));
  await stop(one.child);

  const two = await start('2.0.0');
  const signed = await sign(two.url, 'Ada: hello');
  expect((await listing(two.url)).map(({ id, text }) => [id, text])).toEqual([
    [old.id, 'from version 1'],
    [signed.id, 'hello'],
  ]);
  expect(await (await fetch(two.url)).text()).toContain('Ada (1)');
  expect(await readFile(entryFile(old.id))).toEqual(before);
});

test('version 3 is healthy on an empty disk and on version 1 entries', async () => {
  const empty = await start('3.0.0');
  expect((await fetch(`${empty.url}/healthz`)).status).toBe(200);
  await stop(empty.child);
  const one = await start('1.0.0');
  await sign(one.url, 'from version 1');
  await stop(one.child);
  expect((await fetch(`${(await start('3.0.0')).url}/healthz`)).status).toBe(200);
});

test('version 3 answers 503 on version 2 entries, says why, and touches none of them', async () => {
  const two = await start('2.0.0');
  const { id } = await sign(two.url, 'Ada: hello');
  await stop(two.child);
  const before = await readFile(entryFile(id));

  const three = await start('3.0.0');
  const health = await fetch(`${three.url}/healthz`);
  expect(health.status).toBe(503);
  expect(await health.text()).toContain(`entry ${id}`);
  expect((await post(three.url, 'refused')).status).toBe(503);
  expect(await (await fetch(`${three.url}/version`)).json()).toMatchObject({ version: '3.0.0' });
  expect(await readdir(join(folder, 'entries'))).toEqual([`${id}.entry`]);
  expect(await readFile(entryFile(id))).toEqual(before);
});

test('SIGTERM lets the open request finish, and then the service ends at once', async () => {
  const app = await start('1.0.0');
  const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
  socket.write(
    'POST /entries HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n',
  );
  await firstData(socket); // "100 Continue": the server is inside the request now.
  app.child.kill('SIGTERM');
  await refusesConnections(app.url);
  socket.write('hello');
  expect(await firstData(socket)).toContain('201 Created');
  expect(await exitCode(app.child)).toBe(0);
});

test('what is not a request it can read gets a status and a closed connection', async () => {
  const app = await start('1.0.0');
  expect((await post(app.url, '   ')).status).toBe(400);
  expect((await post(app.url, 'x'.repeat(65 * 1024))).status).toBe(413);
  expect((await fetch(`${app.url}/entries/../../etc/passwd`)).status).toBe(404);
  expect((await fetch(`${app.url}/entries`, { method: 'DELETE' })).status).toBe(405);
  expect(await rawAnswer(app.url, 'nonsense\r\n\r\n')).toContain('400 Bad Request');
  expect(
    await rawAnswer(app.url, 'POST /entries HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'),
  ).toContain('411');
});

/** The app of one version on this test's folder; resolves once it listens. */
async function start(version: string): Promise<{ url: string; child: ChildProcess }> {
  const app = join(folder, `app-${version}`);
  await cp(join(EXAMPLE, 'app'), app, { recursive: true });
  if (version !== '1.0.0') await cp(join(EXAMPLE, 'versions', version), app, { recursive: true });
  const child = spawn('python3', ['-S', join(app, 'guestbook.py')], {
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', GUESTBOOK_DATA: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^listening on port (\d+)$/.exec(line)?.[1];
    if (port !== undefined) return { url: `http://127.0.0.1:${port}`, child };
  }
  throw new Error(`guestbook ${version} ended before it listened`);
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill('SIGTERM');
  expect(await exitCode(child)).toBe(0);
}

function exitCode(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', resolve));
}

function post(url: string, text: string): Promise<Response> {
  return fetch(`${url}/entries`, { method: 'POST', body: text });
}

async function sign(url: string, text: string): Promise<z.infer<typeof Created>> {
  const response = await post(url, text);
  expect(response.status).toBe(201);
  return Created.parse(await response.json());
}

async function listing(url: string): Promise<z.infer<typeof Entry>[]> {
  return Listing.parse(await (await fetch(`${url}/entries`)).json()).entries;
}

function entryFile(id: string): string {
  return join(folder, 'entries', `${id}.entry`);
}

function firstData(socket: ReturnType<typeof connect>): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('error', reject);
  });
}

/** Everything the server sends until it hangs up. */
function rawAnswer(url: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text));
    let received = '';
    socket.on('data', (data) => {
      received += data.toString();
    });
    socket.once('end', () => resolve(received));
    socket.once('error', reject);
  });
}

/** Resolves when the listening socket is closed. */
async function refusesConnections(url: string): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (Date.now() < deadline) {
    const refused = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.once('connect', () => resolve(false));
      socket.once('error', () => resolve(true));
      socket.once('close', () => socket.destroy());
    });
    if (refused) return;
  }
  throw new Error(`${url} still takes connections`);
}
