// Each check on one violation, and on the nearest thing that is none.
import { describe, expect, test } from 'vitest';
import { viewOf } from '../planning/rolling-upgrade/testing.ts';
import type { UpgradeStep } from '../planning/rolling-upgrade/view.ts';
import {
  checkDownBecauseOfUs,
  checkNoneLost,
  checkScaleSetRows,
  type ScaleSetRows,
} from './scale-set-checks.ts';
import { checkUpgradeStep } from './upgrade-step-checks.ts';

const AT = '2030-01-01T00:00:00.000Z';
const LATER = '2030-01-01T00:00:01.000Z';

type Instance = ScaleSetRows['instances'][number];
type Status = ScaleSetRows['statuses'][number];
type Run = ScaleSetRows['runs'][number];

function instance(instanceId: string, change: Partial<Instance> = {}): Instance {
  return {
    instanceId,
    vmId: `vm-${instanceId}`,
    wanted: 'present',
    osDisk: { diskId: `disk-${instanceId}`, version: '2.0.0' },
    osDiskReason: { kind: 'upgrade', at: AT },
    ...change,
  };
}

function status(instanceId: string, change: Partial<Status> = {}): Status {
  return {
    instanceId,
    diskId: `disk-${instanceId}`,
    health: 'Healthy',
    balancer: 'ready',
    ...change,
  };
}

function run(instanceIds: readonly string[], change: Partial<Run> = {}): Run {
  const record = { outcome: 'upgrading', batch: 1, fromVersion: '1.0.0', startedAt: AT } as const;
  return {
    runId: 'run-1',
    state: 'RollingForward',
    startTime: AT,
    batches: [{ number: 1, instanceIds, startedAt: AT }],
    instances: Object.fromEntries(instanceIds.map((id) => [id, record])),
    ...change,
  };
}

function rows(change: Partial<ScaleSetRows> = {}): ScaleSetRows {
  return { instances: [], statuses: [], runs: [], quarantines: [], ...change };
}

const namesOf = (findings: readonly { check: string }[]) => findings.map(({ check }) => check);

describe('rows', () => {
  test('two instances with one id, one VM or one disk', () => {
    expect(namesOf(checkScaleSetRows(rows({ instances: [instance('0'), instance('0')] })))).toEqual(
      ['instance ids unique', 'instance ids unique', 'disk ids unique'],
    );
    const kept = instance('1', { previousOsDisk: { diskId: 'disk-0', version: '1.0.0' } });
    const sharing = rows({ instances: [instance('0'), kept] });
    expect(namesOf(checkScaleSetRows(sharing))).toEqual(['disk ids unique']);
    expect(checkScaleSetRows(rows({ instances: [instance('0'), instance('1')] }))).toEqual([]);
  });

  test('a run that has ended has an endTime and nothing in flight', () => {
    const over = (change: Partial<Run>) => checkScaleSetRows(rows({ runs: [run(['0'], change)] }));
    expect(over({})).toEqual([]);
    expect(over({ state: 'Completed', endTime: LATER, batches: [], instances: {} })).toEqual([]);
    expect(namesOf(over({ state: 'Faulted', batches: [], instances: {} }))).toEqual([
      'run ends whole',
    ]);
    expect(namesOf(over({ endTime: LATER }))).toEqual(['run ends whole']);
    expect(namesOf(over({ state: 'Cancelled', endTime: LATER }))).toEqual(['run ends whole']);
  });

  test('one run and one batch at a time, and nothing in flight beside it', () => {
    const two = [run([]), run([], { runId: 'run-2' })];
    const check = 'one batch at a time';
    expect(
      namesOf(checkScaleSetRows(rows({ runs: two.map((r) => ({ ...r, batches: [] })) }))),
    ).toEqual([check]);
    const batch = { number: 2, instanceIds: [], startedAt: AT };
    const open = run(['0']);
    const overlapping = { ...open, batches: [...open.batches, batch] };
    expect(namesOf(checkScaleSetRows(rows({ runs: [overlapping] })))).toEqual([check]);
    const stray = { ...open, batches: [{ ...batch, number: 1 }] };
    expect(namesOf(checkScaleSetRows(rows({ runs: [stray] })))).toEqual([check]);
  });

  test('a quarantined version is not begun with again, yet may be restored', () => {
    const begun = (kind: Instance['osDiskReason']['kind'], at: string) =>
      checkScaleSetRows(
        rows({
          instances: [instance('0', { osDiskReason: { kind, at } })],
          quarantines: [{ version: '2.0.0', since: AT }],
        }),
      );
    expect(namesOf(begun('create', LATER))).toEqual(['quarantine holds']);
    expect(namesOf(begun('upgrade', LATER))).toEqual(['quarantine holds']);
    expect(begun('restore', LATER)).toEqual([]);
    expect(begun('upgrade', AT)).toEqual([]);
  });

  test('down because of us runs from leaving the balancer to Healthy on the wanted disk', () => {
    const down = (change: Partial<Status>) =>
      checkDownBecauseOfUs(
        rows({
          instances: [instance('0'), instance('1')],
          statuses: [status('0', change), status('1', change)],
          runs: [run(['0', '1'])],
        }),
        5,
        20,
      );
    expect(down({ diskId: 'disk-before' })).toEqual([]);
    expect(namesOf(down({ diskId: 'disk-before', balancer: 'draining' }))).toEqual([
      'down because of us',
    ]);
    expect(namesOf(down({ health: 'Unknown', balancer: 'out' }))).toEqual(['down because of us']);
    expect(down({})).toEqual([]);
    expect(down({ balancer: 'none' })).toEqual([]);
  });

  test('an instance may only go when it was wanted deleted', () => {
    const after = rows({ instances: [instance('1')] });
    const gone = (change: Partial<Instance>) =>
      checkNoneLost(rows({ instances: [instance('0', change), instance('1')] }), after);
    expect(gone({ wanted: 'deleted' })).toEqual([]);
    expect(namesOf(gone({}))).toEqual(['no instance lost']);
  });
});

describe('steps', () => {
  const batch = (...instanceIds: string[]): UpgradeStep => ({
    kind: 'upgradeBatch',
    number: 1,
    instanceIds,
    note: 'A batch.',
  });
  test.each<readonly [why: string, letters: string, step: UpgradeStep, findings: string[]]>([
    ['two of ten', 'oooooooooo', batch('0', '1'), []],
    ['three of ten', 'oooooooooo', batch('0', '1', '2'), ['down because of us']],
    ['two and a repair', 'ooooooooo*', batch('0', '1'), ['down because of us']],
    ['the one under repair itself', 'oooo*', batch('4'), []],
    ['scale-in in flight', 'ooooo-', batch('0'), ['down because of us']],
    ['beside a batch', '~oooooooooo', batch('1'), ['one batch at a time']],
    ['nobody', 'ooooo', batch(), ['batch members']],
    ['one that is not there', 'ooooo', batch('7'), ['batch members']],
    ['one that goes', 'oooooooooo-', batch('10'), ['batch members']],
    ['one that has the version', 'boooo', batch('0'), ['batch members']],
    ['one that was restored', 'roooo', batch('0'), ['batch members']],
    ['one twice', 'oooooooooo', batch('0', '0'), ['batch members']],
    [
      'an end in the middle',
      '~oooo',
      { kind: 'end', state: 'Completed', note: 'Done.' },
      ['run ends whole'],
    ],
    ['no reason', 'ooooo', { kind: 'wait', for: 'pause', note: '' }, ['says why']],
  ])('%s: %s', (_why, letters, step, findings) => {
    expect(namesOf(checkUpgradeStep(viewOf(letters), step))).toEqual(findings);
  });
});
