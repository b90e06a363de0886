import { expect, test } from 'vitest';
import { ManualClock } from '../support/testing.ts';
import { type PassResult, WorkQueue } from './work-queue.ts';

function harness(run: (key: string) => Promise<PassResult>, concurrency = 10) {
  const clock = new ManualClock();
  const errors: string[] = [];
  const queue = new WorkQueue({
    clock,
    run,
    concurrency,
    onError: (key, _error, retryInMs) => errors.push(`${key} again in ${retryInMs}`),
  });
  return { clock, queue, errors };
}

test('one pass per key at a time, and one more for all the asking meanwhile', async () => {
  let running = 0;
  let passes = 0;
  const { clock, queue } = harness(async () => {
    running += 1;
    expect(running).toBe(1);
    passes += 1;
    await clock.sleep(100);
    running -= 1;
    return {};
  });
  queue.enqueue('a');
  await clock.advance(10);
  for (let i = 0; i < 5; i += 1) queue.enqueue('a');
  await clock.advance(1_000);
  expect(passes).toBe(2);
});

test('never more passes at once than the limit, and every key gets its turn', async () => {
  let running = 0;
  const most: number[] = [];
  const done: string[] = [];
  const { clock, queue } = harness(async (key) => {
    running += 1;
    most.push(running);
    await clock.sleep(10);
    running -= 1;
    done.push(key);
    return {};
  }, 2);
  for (const key of ['a', 'b', 'c', 'd', 'e']) queue.enqueue(key);
  await clock.advance(100);
  expect(Math.max(...most)).toBe(2);
  expect(done.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
});

test('a failed pass is reported and retried with back-off until it works', async () => {
  let failures = 3;
  const { clock, queue, errors } = harness(async () => {
    failures -= 1;
    if (failures >= 0) throw new Error('disk clone failed');
    return {};
  });
  queue.enqueue('a');
  await clock.advance(5_000);
  expect(errors).toEqual(['a again in 200', 'a again in 400', 'a again in 800']);
  expect(failures).toBe(-1);
});

test('a pass that wants to look again is run again after its time, or sooner by an event', async () => {
  const at: number[] = [];
  const { clock, queue } = harness(async () => {
    at.push(clock.now());
    return at.length < 3 ? { againInMs: 100 } : {};
  });
  queue.enqueue('a');
  await clock.advance(130);
  queue.enqueue('a');
  await clock.advance(1_000);
  expect(at).toEqual([0, 100, 130]);
});

test('close waits for the pass in flight and starts nothing more', async () => {
  let passes = 0;
  const { clock, queue } = harness(async () => {
    passes += 1;
    await clock.sleep(50);
    return { againInMs: 1 };
  });
  queue.enqueue('a');
  await clock.advance(10);
  const closed = queue.close();
  queue.enqueue('b');
  await clock.advance(500);
  await closed;
  expect(passes).toBe(1);
});
