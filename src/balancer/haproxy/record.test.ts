import { expect, test } from 'vitest';
import {
  beginRecord,
  type FrontendRecord,
  INITIAL_SLOTS,
  MAX_SLOTS,
  parseRecord,
  withBackend,
  withoutBackend,
} from './record.ts';

const spec = {
  frontendId: 'lb#http',
  address: '127.77.0.1',
  port: 80,
  backendPort: 80,
  mode: 'http',
} as const;
const begin = beginRecord(spec, 'boot');
const put = (record: FrontendRecord, ...keys: string[]) =>
  keys.reduce((before, key) => withBackend(before, key, { state: 'out' }), record);
const slots = (record: FrontendRecord) =>
  Object.entries(record.backends).map(([key, { slot }]) => `${key}${slot}`);

test('a backend keeps its slot; a freed slot rests as long as others are free', () => {
  const two = put(begin, 'a', 'b', 'a');
  expect(slots(two)).toEqual(['a1', 'b2']);
  expect(slots(put(withoutBackend(two, 'a'), 'c', 'd'))).toEqual(['b2', 'c3', 'd4']);
});

test('slots go round, past those still taken', () => {
  const keys = Array.from({ length: INITIAL_SLOTS }, (_, i) => `k${i}`);
  const full = withoutBackend(withoutBackend(put(begin, ...keys), 'k3'), 'k9');
  const again = put(full, 'x', 'y');
  expect(again.slots).toBe(INITIAL_SLOTS);
  expect([again.backends['x']?.slot, again.backends['y']?.slot]).toEqual([4, 10]);
});

test('slots double when they run out, up to the limit', () => {
  const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`);
  const grown = put(begin, ...keys(INITIAL_SLOTS + 1));
  expect(grown.slots).toBe(2 * INITIAL_SLOTS);
  expect(new Set(slots(grown)).size).toBe(INITIAL_SLOTS + 1);
  const full = put(begin, ...keys(MAX_SLOTS));
  expect(() => put(full, 'one more')).toThrow(`has ${MAX_SLOTS} backends, and ${MAX_SLOTS} is the`);
});

test('a state without an endpoint keeps the endpoint', () => {
  const endpoint = { host: '127.0.0.1', port: 9 };
  const ready = withBackend(begin, 'a', { state: 'ready', endpoint });
  expect(withBackend(ready, 'a', { state: 'out' }).backends['a']).toEqual({
    slot: 1,
    state: 'out',
    endpoint,
  });
});

test.each([
  ['as written', put(begin, 'a'), 'boot', put(begin, 'a')],
  ['of an earlier boot: only the settings', put(begin, 'a'), 'later', beginRecord(spec, 'later')],
  ['of another shape', { spec }, 'boot', undefined],
])('a record %s', (_why, written, bootId, expected) => {
  expect(parseRecord(JSON.stringify(written), bootId)).toEqual(expected);
});

test('a torn file is no record', () => {
  expect(parseRecord('{"spec":{"fron', 'boot')).toBeUndefined();
});
