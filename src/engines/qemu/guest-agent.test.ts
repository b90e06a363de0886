import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { GuestAgent } from './guest-agent.ts';
import { execInGuest } from './guest-exec.ts';

type Request = { readonly execute: string; readonly arguments: Record<string, unknown> };
type Answer = (request: Request, socket: net.Socket) => unknown;

/** An agent that answers each request with what `answer` returns; undefined: not at all. */
async function fakeAgent(
  answer: Answer,
): Promise<{ agent: GuestAgent; connections: () => number }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rsa-'));
  const socketPath = path.join(folder, 'agent');
  let connections = 0;
  const server = net.createServer((socket) => {
    connections++;
    let text = '';
    socket.on('error', () => undefined);
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        const line = text.slice(0, end).replaceAll('\xff', '');
        text = text.slice(end + 1);
        handle(JSON.parse(line), socket, answer);
      }
    });
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const agent = new GuestAgent(socketPath, () => systemClock.now());
  onTestFinished(() => {
    agent.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { agent, connections: () => connections };
}

function handle(request: Request, socket: net.Socket, answer: Answer): void {
  if (request.execute === 'guest-sync-delimited') {
    const reply = JSON.stringify({ return: request.arguments['id'] });
    // What a former client had asked for comes first, cut off.
    socket.write(Buffer.from(`{"return": {"left": "over"\n\xff${reply}\n`, 'latin1'));
    return;
  }
  const value = answer(request, socket);
  if (value !== undefined) socket.write(`${JSON.stringify(value)}\n`);
}

test('synchronises past what a former client left, and keeps the order of requests', async () => {
  const { agent, connections } = await fakeAgent(({ execute }) => ({ return: execute }));
  const names = ['one', 'two', 'three'];
  expect(await Promise.all(names.map((name) => agent.request(name)))).toEqual(names);
  expect(connections()).toBe(1);
});

test('a refusal is an error with the reason, and the next request goes on', async () => {
  const { agent } = await fakeAgent(({ execute }) =>
    execute === 'bad'
      ? { error: { class: 'GenericError', desc: 'no such thing' } }
      : { return: {} },
  );
  await expect(agent.request('bad')).rejects.toThrow(
    'guest command bad was refused: no such thing',
  );
  expect(await agent.request('good')).toEqual({});
});

test('no answer is an error, and a late one is not taken for that of the next request', async () => {
  const { agent, connections } = await fakeAgent(({ execute }, socket) => {
    if (execute !== 'slow') return { return: execute };
    setTimeout(() => socket.write('{"return": "late"}\n'), 100);
    return undefined;
  });
  await expect(agent.request('slow', {}, 30)).rejects.toThrow(/did not answer in time/);
  expect(await agent.request('next')).toBe('next');
  expect(connections()).toBe(2);
});

test('a connection that breaks is an error, and the next request connects anew', async () => {
  const { agent } = await fakeAgent(({ execute }, socket) => {
    if (execute !== 'break') return { return: execute };
    socket.destroy();
    return undefined;
  });
  await expect(agent.request('break')).rejects.toThrow(/connection to the VM is closed/);
  expect(await agent.request('next')).toBe('next');
});

test('after close every request is an error at once', async () => {
  const { agent } = await fakeAgent(() => undefined);
  const waiting = agent.request('waits').catch((error: unknown) => String(error));
  setTimeout(() => agent.close(), 50);
  expect(await waiting).toMatch(/connection to the VM is closed/);
  await expect(agent.request('after')).rejects.toThrow(/the VM has ended/);
});

test('a command that is killed by the kernel has an exit code as a shell gives it', async () => {
  const { agent } = await fakeAgent(({ execute }) =>
    execute === 'guest-exec' ? { return: { pid: 7 } } : { return: { exited: true, signal: 9 } },
  );
  const ids = { uuid: () => 'u', short: () => 's' };
  const result = await execInGuest({ agent, clock: systemClock, ids }, 'x', { timeoutMs: 1000 });
  expect(result).toEqual({ exitCode: 137, stdout: '', stderr: '', timedOut: false });
});
