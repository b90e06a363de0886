import { expect, test } from 'vitest';
import { RunQueue } from './run-queue.ts';

const open = new AbortController().signal;

test('a place goes to the longest waiting, and never to two', async () => {
  const queue = new RunQueue(1);
  const order: string[] = [];
  const leave = await queue.enter(open);
  const second = queue.enter(open).then((left) => (order.push('second'), left));
  const third = queue.enter(open).then((left) => (order.push('third'), left));
  expect(queue.ahead).toBe(3);
  leave();
  leave();
  const late = queue.enter(open).then((left) => (order.push('late'), left));
  (await second)();
  (await third)();
  (await late)();
  expect(order).toEqual(['second', 'third', 'late']);
  expect(queue.ahead).toBe(0);
});

test('whoever gives up waiting takes no place', async () => {
  const queue = new RunQueue(1);
  const leave = await queue.enter(open);
  const abort = new AbortController();
  const waiting = queue.enter(abort.signal);
  abort.abort(new Error('no longer wanted'));
  await expect(waiting).rejects.toThrow('no longer wanted');
  leave();
  expect(queue.ahead).toBe(0);
  await queue.enter(open);
});
