import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planInstance } from './plan.ts';
import {
  absent,
  backend,
  carryOut,
  instanceView,
  OTHER,
  playInstance,
  running,
  stopped,
  WANTED,
} from './testing.ts';
import type { InstanceStep, InstanceView } from './view.ts';

type Row = readonly [why: string, view: Partial<InstanceView>, expected: object];
const check = (_why: string, change: Partial<InstanceView>, expected: object) =>
  expect(planInstance(instanceView(change))).toMatchObject(expected);

const http = { frontendIds: ['http'] };
const waiting = (what: string) => ({ kind: 'wait', for: what });
const out = [backend('out')];
const draining = (openConnections: number) => [backend('draining', { openConnections })];
const stale = [backend('ready', { currentEndpoint: false })];

describe('an instance that is wanted', () => {
  test.each<Row>([
    ['as wanted', {}, { kind: 'none' }],
    ['as wanted without a balancer', { backends: [] }, { kind: 'none' }],
    ['is made', { vm: absent, backends: [] }, { kind: 'create' }],
    ['is started', { vm: stopped(WANTED), backends: out }, { kind: 'start' }],
    ['gets its disk', { vm: stopped(OTHER), backends: out }, { kind: 'reimage' }],
    ['boots', { guestUp: false, health: 'Unknown', backends: out }, waiting('boot')],
    ['is probed', { health: 'Unknown', backends: out }, waiting('health')],
    ['serves once Healthy', { backends: out }, { kind: 'putIn', ...http }],
    ['serves for the first time', { backends: [backend('none')] }, { kind: 'putIn', ...http }],
    ['serves at its new endpoint', { backends: stale }, { kind: 'putIn', ...http }],
    [
      'comes back from a drain that is no longer wanted',
      { backends: draining(2) },
      { kind: 'putIn' },
    ],
    ['keeps its place while Unhealthy', { health: 'Unhealthy' }, waiting('health')],
    [
      'keeps its place while Unknown, as after our restart',
      { health: 'Unknown' },
      waiting('health'),
    ],
    ['keeps its place while we have not heard its OS', { guestUp: false }, waiting('boot')],
    [
      'leaves a place that points at an earlier start',
      { guestUp: false, backends: stale },
      { kind: 'takeOut', ...http },
    ],
    [
      'leaves it while Unhealthy as well',
      { health: 'Unhealthy', backends: stale },
      { kind: 'takeOut' },
    ],
    ['died: leaves first', { vm: stopped(WANTED) }, { kind: 'takeOut', ...http }],
    ['died while draining', { vm: stopped(WANTED), backends: draining(1) }, { kind: 'takeOut' }],
    ['is gone: leaves first', { vm: absent }, { kind: 'takeOut', ...http }],
  ])('%s', check);

  test('an Unhealthy one is never put in', () => {
    for (const health of ['Unhealthy', 'Unknown', 'Initializing'] as const) {
      for (const backends of [out, [backend('none')], draining(1)]) {
        expect(planInstance(instanceView({ health, backends })).kind).not.toBe('putIn');
      }
    }
  });
});

describe('a swap of the OS disk', () => {
  const old = { vm: running(OTHER) };
  test.each<Row>([
    ['drains', old, { kind: 'drain', ...http }],
    ['drains an unhealthy one too', { ...old, health: 'Unhealthy' }, { kind: 'drain' }],
    [
      'waits for connections',
      { ...old, backends: draining(3), drainStartedAtMs: 99_000 },
      { ...waiting('drain'), untilMs: 129_000 },
    ],
    [
      'until they have finished',
      { ...old, backends: draining(0), drainStartedAtMs: 99_000 },
      { kind: 'powerOff' },
    ],
    [
      'or their time is over',
      { ...old, backends: draining(3), drainStartedAtMs: 70_000 },
      { kind: 'powerOff' },
    ],
    [
      'not at all when drain is 0',
      { ...old, backends: draining(3), drainStartedAtMs: 100_000, drainMs: 0 },
      { kind: 'powerOff' },
    ],
    [
      'begins the drain again when its start is not known',
      { ...old, backends: draining(3) },
      { kind: 'drain' },
    ],
    ['needs no drain outside the balancer', { ...old, backends: out }, { kind: 'powerOff' }],
    [
      'powers off a guest that never came up',
      { ...old, guestUp: false, backends: out },
      { kind: 'powerOff' },
    ],
  ])('%s', check);

  test('goes its way to the end', () => {
    const vm = running(OTHER);
    const backends = [backend('ready', { openConnections: 4 })];
    expect(playInstance(instanceView({ vm, backends })).kinds).toEqual([
      'drain',
      'wait',
      'powerOff',
      'takeOut',
      'reimage',
      'start',
      'wait',
      'putIn',
      'discardDisk',
    ]);
  });
});

describe('an instance that is to go', () => {
  const wanted = 'deleted' as const;
  test.each<Row>([
    ['drains', { wanted }, { kind: 'drain', ...http }],
    ['powers off', { wanted, backends: out }, { kind: 'powerOff' }],
    [
      'leaves the pool',
      { wanted, vm: stopped(WANTED), backends: draining(0) },
      { kind: 'takeOut' },
    ],
    ['is deleted', { wanted, vm: stopped(WANTED), backends: out }, { kind: 'delete' }],
    ['is gone', { wanted, vm: absent, backends: out }, { kind: 'none' }],
  ])('%s', check);

  test('goes its way to the end', () => {
    expect(playInstance(instanceView({ wanted })).kinds).toEqual([
      'drain',
      'powerOff',
      'takeOut',
      'delete',
    ]);
  });
});

describe('OS disks that are no way back', () => {
  const vm = { ...running(WANTED), diskIds: [OTHER, WANTED] };
  test.each<Row>([
    ['are discarded', { vm }, { kind: 'discardDisk', diskId: OTHER }],
    ['not while they are kept', { vm, keptDiskIds: [OTHER] }, { kind: 'none' }],
    ['not before the OS on the wanted one has answered', { vm, guestUp: false }, waiting('boot')],
    ['not before it serves', { vm, backends: out }, { kind: 'putIn' }],
    [
      'not of a VM that is off',
      { vm: { ...vm, power: 'stopped' }, backends: out },
      { kind: 'start' },
    ],
  ])('%s', check);
});

describe('back-off after failed starts', () => {
  const starting = { vm: stopped(WANTED), backends: out };
  test.each([
    [1, 1000],
    [2, 2000],
    [5, 16_000],
    [7, 60_000],
    [50, 60_000],
  ])('%i in a row: %i ms after the last', (failedStarts, pauseMs) => {
    const last = { ...starting, failedStarts, lastFailedStartMs: 100_000 };
    const untilMs = 100_000 + pauseMs;
    check('', last, { ...waiting('backoff'), untilMs });
    check('', { ...last, now: untilMs }, { kind: 'start' });
  });

  test('a disk that is to be replaced is not waited for', () => {
    const failing = { failedStarts: 9, lastFailedStartMs: 100_000, vm: stopped(OTHER) };
    check('', { ...failing, backends: out }, { kind: 'reimage' });
  });
});

describe('whatever the view', () => {
  const disks = fc.constantFrom(WANTED, OTHER);
  const vms = fc.oneof(
    fc.constant(absent),
    fc.record({
      power: fc.constantFrom('running' as const, 'stopped' as const),
      diskId: disks,
      diskIds: fc.constant([OTHER, WANTED]),
      startedAtMs: fc.constant(90_000),
    }),
  );
  const backends = fc.array(
    fc.record({
      frontendId: fc.constantFrom('http', 'admin'),
      state: fc.constantFrom(
        'none' as const,
        'ready' as const,
        'draining' as const,
        'out' as const,
      ),
      openConnections: fc.nat({ max: 3 }),
      currentEndpoint: fc.boolean(),
    }),
    { maxLength: 2 },
  );
  const views = fc
    .record({
      wanted: fc.constantFrom('present' as const, 'deleted' as const),
      vm: vms,
      guestUp: fc.boolean(),
      health: fc.constantFrom('Healthy' as const, 'Unhealthy' as const, 'Unknown' as const),
      backends,
      drainStartedAtMs: fc.option(fc.constantFrom(0, 99_000), { nil: undefined }),
      failedStarts: fc.nat({ max: 3 }),
    })
    .map(({ drainStartedAtMs, ...rest }) =>
      instanceView({ ...rest, ...(drainStartedAtMs === undefined ? {} : { drainStartedAtMs }) }),
    );
  const holds = (check: (view: InstanceView, step: InstanceStep) => void) =>
    fc.assert(fc.property(views, (view) => check(view, planInstance(view))));

  test('a VM is never powered off while the balancer sends it new connections', () => {
    holds((view, step) => {
      if (step.kind !== 'powerOff') return;
      expect(view.backends.map((each) => each.state)).not.toContain('ready');
    });
  });

  test('only a powered-off VM gets another disk', () => {
    holds((view, step) => {
      if (step.kind === 'reimage') expect(view.vm.power).toBe('stopped');
    });
  });

  test('only what is Healthy is put in', () => {
    holds((view, step) => {
      if (step.kind !== 'putIn') return;
      expect(view).toMatchObject({ health: 'Healthy', guestUp: true, wanted: 'present' });
    });
  });

  test('the current, the wanted and the kept disks are never discarded', () => {
    holds((view, step) => {
      if (step.kind !== 'discardDisk' || view.vm.power === 'absent') return;
      expect([view.vm.diskId, view.wantedDiskId, ...view.keptDiskIds]).not.toContain(step.diskId);
    });
  });

  test('every view comes to its end', () => {
    fc.assert(
      fc.property(views, (view) => {
        const { end } = playInstance(view);
        expect(carryOut(end, planInstance(end))).toEqual(end);
        expect(end.vm.power).toBe(view.wanted === 'present' ? 'running' : 'absent');
      }),
    );
  });
});
