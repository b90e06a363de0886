import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { readTail } from './files.ts';
import { runHostCommand } from './host-command.ts';
import { KeyedLock } from './keyed-lock.ts';
import { withLockFile } from './lock-file.ts';
import { chooseForwards } from './network.ts';
import { findProcessByArgument, identifyProcess, isAlive, killProcess } from './process.ts';

test('a process is known by pid and start time, and found by one whole argument', async () => {
  const mark = `mark-${process.pid}-${Math.trunc(performance.now() * 1000)}`;
  const child = spawn('sh', ['-c', 'sleep 60; true', mark]);
  const ended = once(child, 'exit');
  const identity = await expect
    .poll(() => findProcessByArgument(mark))
    .not.toBe(undefined)
    .then(() => findProcessByArgument(mark));
  if (identity === undefined) throw new Error('not found');
  expect(identity.pid).toBe(child.pid);
  expect(await findProcessByArgument(mark.slice(0, -1))).toBeUndefined();
  expect(await isAlive({ ...identity, startTicks: '1' })).toBe(false);
  await killProcess({ ...identity, startTicks: '1' }, systemClock);
  expect(await isAlive(identity)).toBe(true);
  await killProcess(identity, systemClock);
  expect(await isAlive(identity)).toBe(false);
  await ended;
  expect(await identifyProcess(identity.pid)).toBeUndefined();
});

test('a host command that fails says what, which and why in one sentence', async () => {
  await expect(runHostCommand('cannot x', 'sh', ['-c', 'echo oh >&2; exit 3'])).rejects.toThrow(
    'cannot x: sh exited with 3: oh',
  );
  await expect(runHostCommand('cannot x', 'no-such-program-here', [])).rejects.toThrow(
    'cannot x: the program no-such-program-here is not installed',
  );
  await expect(runHostCommand('cannot x', 'sleep', ['60'], { timeoutMs: 50 })).rejects.toThrow(
    'cannot x: sleep was ended by SIGKILL',
  );
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  await runHostCommand('cannot x', 'printf', ['a\\nb\\n'], { onLine });
  expect(lines).toEqual(['a', 'b']);
});

test('the tail of a text is read, however short or absent it is', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rollset-process-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'console.log');
  await writeFile(file, 'booted');
  expect(await readTail(file, 3)).toBe('ted');
  expect(await readTail(file, 100)).toBe('booted');
  expect(await readTail(path.join(folder, 'none'), 2)).toBe('');
});

test('ports are free, and different from each other and from those taken', async () => {
  const taken = new Set<number>();
  for (let round = 0; round < 20; round++)
    for (const { port } of await chooseForwards([80, 443], taken)) {
      expect(taken).not.toContain(port);
      taken.add(port);
    }
  const server = net.createServer().listen([...taken][0], '127.0.0.1');
  await once(server, 'listening');
  server.close();
});

test('the lock runs work of one key in order, of two keys side by side, and outlives failures', async () => {
  const lock = new KeyedLock();
  const log: string[] = [];
  const work = (name: string, ms: number) => async () => {
    log.push(`${name} begins`);
    await systemClock.sleep(ms);
    log.push(`${name} ends`);
    if (name === 'a1') throw new Error('failed');
  };
  const first = lock.run('a', work('a1', 40)).catch(() => log.push('a1 failed'));
  await Promise.all([first, lock.run('a', work('a2', 1)), lock.run('b', work('b1', 1))]);
  expect(log.indexOf('b1 ends')).toBeLessThan(log.indexOf('a1 ends'));
  expect(log.indexOf('a2 begins')).toBeGreaterThan(log.indexOf('a1 ends'));
});

test('the lock file lets one in at a time, and a dead holder does not keep others out', async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rollset-lock-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'x.lock');
  // The holder's pid is ours, its start time is not: a process that was, long ago.
  await writeFile(file, JSON.stringify({ pid: process.pid, startTicks: '1' }));
  let inside = 0;
  let waits = 0;
  const wait = { clock: systemClock, onWait: () => void waits++ };
  const enter = () =>
    withLockFile(file, wait, async () => {
      expect(++inside).toBe(1);
      await systemClock.sleep(30);
      inside--;
    });
  await Promise.all([enter(), enter()]);
  expect(waits).toBe(1);
});
