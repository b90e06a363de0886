import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planScaleSet } from './plan.ts';
import type { ScaleSetInstanceView, ScaleSetView } from './view.ts';

/** One letter per instance: o on 1.0.0, n on 2.0.0, p on 3.0.0, - being deleted, x deleted and gone. */
function fleet(letters: string): ScaleSetInstanceView[] {
  const versions: Record<string, string> = { n: '2.0.0', p: '3.0.0' };
  return letters.split('').map((letter, i) => ({
    instanceId: String(i),
    wanted: letter === '-' || letter === 'x' ? 'deleted' : 'present',
    version: versions[letter] ?? '1.0.0',
    gone: letter === 'x',
  }));
}

/** As wanted on 2.0.0, unless told otherwise; the capacity is what is there. */
function scaleSetView(letters: string, change: Partial<ScaleSetView> = {}): ScaleSetView {
  const instances = fleet(letters);
  return {
    deleting: false,
    capacity: instances.filter((each) => each.wanted === 'present').length,
    instances,
    nextInstanceNumber: instances.length,
    versionForNew: '2.0.0',
    automaticOSUpgrade: true,
    upgradeTarget: '2.0.0',
    upgradeAsked: false,
    runInProgress: false,
    busyInstanceIds: [],
    now: 100_000,
    ...change,
  };
}

type Row = readonly [why: string, letters: string, change: Partial<ScaleSetView>, expected: object];
const check = (_why: string, letters: string, change: Partial<ScaleSetView>, expected: object) =>
  expect(planScaleSet(scaleSetView(letters, change))).toMatchObject(expected);

const starts = (startedBy: string) => ({ kind: 'startUpgrade', version: '2.0.0', startedBy });
const waiting = (what: string) => ({ kind: 'wait', for: what });
const removes = (...instanceIds: string[]) => ({ kind: 'removeInstances', instanceIds });
const noVersion = { versionForNew: undefined, upgradeTarget: undefined };

describe('capacity', () => {
  test.each<Row>([
    ['as wanted', 'nnn', {}, { kind: 'none' }],
    [
      'scale out',
      'nn',
      { capacity: 4 },
      { kind: 'addInstances', instanceIds: ['2', '3'], version: '2.0.0' },
    ],
    [
      'ids are not used twice',
      'nn',
      { capacity: 3, nextInstanceNumber: 9 },
      { kind: 'addInstances', instanceIds: ['9'] },
    ],
    [
      'one that goes does not count',
      'nn-',
      { capacity: 3 },
      { kind: 'addInstances', instanceIds: ['3'] },
    ],
    ['nothing to start with', '', { capacity: 2, ...noVersion }, waiting('version')],
    ['scale in takes the highest ids', 'nnnnnnnnnnnn', { capacity: 10 }, removes('11', '10')],
    [
      'scale in spares the batch in flight',
      'nnnn',
      { capacity: 2, busyInstanceIds: ['3'] },
      removes('2', '1'),
    ],
    [
      'also when there is nobody else',
      'nn',
      { capacity: 1, busyInstanceIds: ['0', '1'] },
      waiting('instances'),
    ],
    ['to zero', 'nn', { capacity: 0 }, removes('1', '0')],
    [
      'what is gone is forgotten first',
      'nxx',
      { capacity: 3 },
      { kind: 'forgetInstances', instanceIds: ['1', '2'] },
    ],
    ['capacity comes before an upgrade', 'oo', { capacity: 3 }, { kind: 'addInstances' }],
  ])('%s: %s', check);
});

describe('deleting the set', () => {
  const deleting = { deleting: true };
  test.each<Row>([
    [
      'takes every instance, busy or not',
      'nn-',
      { ...deleting, busyInstanceIds: ['0'] },
      removes('0', '1'),
    ],
    ['waits for them', '--x', deleting, waiting('instances')],
    ['ends when all are gone', 'xx', deleting, { kind: 'forgetScaleSet' }],
    ['ends at once when there were none', '', deleting, { kind: 'forgetScaleSet' }],
  ])('%s: %s', check);
});

describe('starting an upgrade', () => {
  const asked = { upgradeAsked: true, automaticOSUpgrade: false };
  test.each<Row>([
    ['by a newer version', 'oon', {}, starts('Platform')],
    ['not without automaticOSUpgrade', 'ooo', { automaticOSUpgrade: false }, { kind: 'none' }],
    ['not without a usable version', 'ooo', { upgradeTarget: undefined }, { kind: 'none' }],
    ['not beside another run', 'ooo', { runInProgress: true }, { kind: 'none' }],
    ['never down by itself', 'ppp', {}, { kind: 'none' }],
    ['for the lower ones of a mixed fleet', 'ppo', {}, starts('Platform')],
    ['not for one that goes', 'nn-', {}, { kind: 'none' }],
    [
      'not before the hold ends',
      'ooo',
      { holdUntilMs: 100_001 },
      { ...waiting('hold'), untilMs: 100_001 },
    ],
    ['once the hold has ended', 'ooo', { holdUntilMs: 100_000 }, starts('Platform')],
    [
      'never again after a cancel',
      'ooo',
      { holdUntilMs: Number.POSITIVE_INFINITY },
      waiting('hold'),
    ],
    ['a hold does not matter where all is well', 'nnn', { holdUntilMs: 200_000 }, { kind: 'none' }],
    ['by a person', 'ooo', asked, starts('User')],
    ['by a person, also down', 'ppp', asked, starts('User')],
    ['by a person, whatever the hold', 'ooo', { ...asked, holdUntilMs: 200_000 }, starts('User')],
    ['by a person, with nothing to do', 'nnn', asked, starts('User')],
    [
      'not even then beside another run',
      'ooo',
      { ...asked, runInProgress: true },
      { kind: 'none' },
    ],
    ['nor without a version', 'ooo', { ...asked, upgradeTarget: undefined }, waiting('version')],
  ])('%s: %s', check);

  test('1.10.0 is above 1.9.0', () => {
    const instances = [
      { instanceId: '0', wanted: 'present', version: '1.9.0', gone: false },
    ] as const;
    const view = scaleSetView('o', { instances, upgradeTarget: '1.10.0' });
    expect(planScaleSet(view)).toMatchObject({ kind: 'startUpgrade', version: '1.10.0' });
  });
});

describe('whatever the view', () => {
  const views = fc
    .record({
      letters: fc.array(fc.constantFrom('o', 'n', 'p', '-', 'x'), { maxLength: 12 }),
      capacity: fc.nat({ max: 12 }),
      busy: fc.array(fc.nat({ max: 11 }), { maxLength: 4 }),
      deleting: fc.boolean(),
    })
    .map(({ letters, busy, ...rest }) =>
      scaleSetView(letters.join(''), { ...rest, busyInstanceIds: busy.map(String) }),
    );

  test('scale-in never takes the batch in flight, nor more than the excess', () => {
    fc.assert(
      fc.property(views, (view) => {
        const step = planScaleSet(view);
        if (step.kind !== 'removeInstances' || view.deleting) return;
        const present = view.instances.filter((each) => each.wanted === 'present').length;
        expect(step.instanceIds.length).toBeLessThanOrEqual(present - view.capacity);
        for (const id of step.instanceIds) expect(view.busyInstanceIds).not.toContain(id);
      }),
    );
  });

  test('a new id was never used before', () => {
    fc.assert(
      fc.property(views, (view) => {
        const step = planScaleSet(view);
        if (step.kind !== 'addInstances') return;
        const used = view.instances.map(({ instanceId }) => instanceId);
        for (const id of step.instanceIds) expect(used).not.toContain(id);
      }),
    );
  });

  test('every step says why', () => {
    fc.assert(
      fc.property(views, (view) => {
        expect(planScaleSet(view).note).toMatch(/\S.*\.$/);
      }),
    );
  });
});
