import { expect, test } from 'vitest';
import { coloured, plain, stripColours } from '../terminal/paint.ts';
import { describeChanges } from './changes.ts';
import { renderRollout } from './render.ts';
import { fleet, NOON, run } from './testing.ts';

const options = { paint: plain, now: NOON + 5200, target: '1.1.0' };

test('a first fleet is one line of cells', () => {
  expect(renderRollout(fleet('healthy booting off'), options)).toEqual([
    '1.1.0  1 of 3 healthy on 1.1.0',
    '  fleet  ●0 ◐1 ·2',
    '  · off  ◐ booting  ● healthy',
    '  shop_1: Its OS.',
    '  shop_2: Its new OS disk.',
  ]);
});

test('a roll-out has one line per batch, the rest to come', () => {
  const status = fleet(
    'healthy draining old old old',
    run('RollingForward', ['upgraded', 'upgrading']),
  );
  expect(renderRollout(status, options)).toEqual([
    '1.0.0 → 1.1.0  RollingForward  1 of 5 healthy on 1.1.0  5.2s',
    '  batch 1  ●0        1s',
    '  batch 2  ◌1        4.2s',
    '  to come  ○2 ○3 ○4',
    '  ○ old  ◌ draining  ● healthy',
    '  Batch 2 waits for health.',
    '  shop_1: Open connections.',
  ]);
});

test('a stopped roll-out says why, and which VM has its old disk back', () => {
  const error = { code: 'MaxUnhealthy', message: 'too many are unhealthy' };
  const end = { error, endTime: '2026-03-02T12:00:30.000Z' };
  expect(renderRollout(fleet('old old', run('Faulted', ['restored'], end)), options)).toEqual([
    '1.0.0 → 1.1.0  Faulted  0 of 2 healthy on 1.1.0  30s',
    '  batch 1    ↩0  1s',
    '  untouched  ○1',
    '  ○ old  ↩ restored',
    '  MaxUnhealthy: too many are unhealthy',
  ]);
});

test('colours change no text and no column', () => {
  const status = fleet('healthy unhealthy old', run('RollingForward', ['upgraded', 'restoring']));
  const painted = renderRollout(status, { ...options, paint: coloured });
  expect(painted.join('')).toContain('\u001b[');
  expect(painted.map(stripColours)).toEqual(renderRollout(status, options));
});

test('without a terminal each change is a line, and nothing is told twice', () => {
  const first = fleet('old old', run('RollingForward', ['upgrading']));
  const second = fleet('booting old', run('RollingForward', ['upgrading']));
  const third = fleet('healthy draining', run('RollingForward', ['upgraded', 'upgrading']));
  const end = { endTime: '2026-03-02T12:00:09.000Z' };
  const last = fleet('healthy healthy', run('Completed', ['upgraded', 'upgraded'], end));
  expect(describeChanges(undefined, first, options)).toEqual([
    'upgrade to 1.1.0 started',
    'batch 1: shop_0',
  ]);
  expect(describeChanges(first, second, options)).toEqual(['shop_0 booting 1.1.0']);
  expect(describeChanges(second, second, options)).toEqual([]);
  expect(describeChanges(second, third, options)).toEqual([
    'batch 2: shop_1',
    'shop_0 healthy 1.1.0',
    'shop_1 draining 1.0.0',
  ]);
  expect(describeChanges(third, last, options)).toEqual([
    'shop_1 healthy 1.1.0',
    'upgrade to 1.1.0 Completed after 9s',
  ]);
});

test('a VM that fails says why', () => {
  const before = fleet('booting old', run('RollingForward', ['upgrading']));
  const after = fleet('unhealthy old', run('RollingForward', ['upgrading']));
  expect(describeChanges(before, after, options)).toEqual([
    'shop_0 unhealthy 1.1.0 (Unhealthy: HTTP 503 from /healthz)',
  ]);
});
