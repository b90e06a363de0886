import { expect, test } from 'vitest';
import { isoTime, systemClock } from './clock.ts';

test('a sleep ends at its time', async () => {
  const before = systemClock.now();
  await systemClock.sleep(20);
  // Timers count whole milliseconds and may fire a fraction early.
  expect(systemClock.now() - before).toBeGreaterThanOrEqual(19);
});

test('an aborted sleep ends at once with the reason, also when aborted before', async () => {
  const ending = new AbortController();
  const sleeping = systemClock.sleep(60_000, ending.signal);
  ending.abort(new Error('stop'));
  await expect(sleeping).rejects.toThrow('stop');
  await expect(systemClock.sleep(60_000, ending.signal)).rejects.toThrow('stop');
});

test('times are written in UTC with milliseconds', () => {
  expect(isoTime(0)).toBe('1970-01-01T00:00:00.000Z');
});
