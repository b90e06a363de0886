import { describe, expect, test } from 'vitest';
import { planRollingUpgrade } from './plan.ts';
import { type FleetOptions, START_MS, viewOf } from './testing.ts';
import type { UpgradeStep } from './view.ts';

type Row = readonly [why: string, letters: string, options: FleetOptions, expected: object];

/** What a row does not name is not compared: most rows leave the sentence to the goldens. */
function check(_why: string, letters: string, options: FleetOptions, expected: object): void {
  expect(planRollingUpgrade(viewOf(letters, options))).toMatchObject(expected);
}

const batch = (...instanceIds: string[]) => ({ kind: 'upgradeBatch', instanceIds });
const wait = (what: string) => ({ kind: 'wait', for: what });
const ids = (...instanceIds: string[]) => ({ instanceIds });
const faulted = (code: string) => ({ kind: 'end', state: 'Faulted', error: { code } });
const quarantined = { quarantine: expect.stringContaining('not healthy on it') };

const all = { maxBatchInstancePercent: 100, maxUnhealthyInstancePercent: 100 };
const first = { prioritizeUnhealthyInstances: true };
const strict = { maxUnhealthyUpgradedInstancePercent: 0 };
const after = (elapsedMs: number) => ({ elapsedMs });
const late = after(20_000);
const slow = (elapsedMs: number) => ({ elapsedMs, rolloutPolicy: { healthTimeoutMs: 600_000 } });
const pause = (pauseTimeBetweenBatchesMs: number) => ({ policy: { pauseTimeBetweenBatchesMs } });
const space = (gib: number) => ({
  diskSpace: { freeBytes: gib * 2 ** 30, neededBytesPerInstance: 2 ** 30 },
});
const stay = { disableAutomaticRollback: true };
const cancel = { cancelRequested: true };
const open = {
  batches: [{ number: 1, instanceIds: ['0'], startedAt: new Date(START_MS).toISOString() }],
};

describe('the next batch', () => {
  test.each<Row>([
    ['is a fifth of ten', 'oooooooooo', {}, { ...batch('0', '1'), number: 1 }],
    ['is one of five', 'ooooo', {}, batch('0')],
    ['is one of three: a small fleet must still move', 'ooo', {}, batch('0')],
    ['is the floor of the share', 'oooooooooooooo', {}, batch('0', '1')],
    ['may be the whole fleet', 'oooo', { policy: all }, batch('0', '1', '2', '3')],
    ['goes by number, not by text', 'nnoooooooooo', {}, { ...batch('2', '3'), number: 2 }],
    ['leaves alone what was born on the target', 'bobob', {}, batch('1')],
    ['skips what this run has restored', 'rnnnnnnnoo', {}, batch('8', '9')],
    ['counts N without instances that are going', 'ooooo-----', {}, wait('budget')],
    ['counts a repair as down', 'ooooooooo*', {}, batch('0')],
    ['takes one under repair at no cost', '*ooooooooo', {}, batch('0', '1')],
    ['waits for repairs that use up the limit', 'ooooo*', {}, wait('budget')],
    ['counts scale-in as down', 'oooooooooo-', {}, batch('0')],
    ['shrinks with unhealthy instances elsewhere', 'oooooooooO', {}, batch('0')],
    ['is still one when the unhealthy use up the limit', 'ooooooooOO', {}, batch('0')],
    ['does not count an unhealthy member twice', 'Oooooooooo', {}, batch('0', '1')],
    ['takes unhealthy ones in their turn', 'oooooooooO', { policy: first }, batch('9', '0')],
    ['takes unhealthy ones first only if asked', 'oooooooooO', {}, batch('0')],
  ])('%s: %s', check);
});

describe('the batch in flight', () => {
  test.each<Row>([
    ['waits for the swap', '~~oooooooo', {}, wait('swap')],
    ['waits for the slower of two', '~?oooooooo', {}, wait('swap')],
    ['waits for the probes: unknown is not healthy', '??oooooooo', {}, wait('health')],
    ['gives an unhealthy one its time', '!ooooooooo', {}, wait('health')],
    ['accepts what is Healthy', '+~oooooooo', {}, { kind: 'accept', instanceIds: ['0'] }],
    ['restores what is not Healthy in time', '!oooo', late, { kind: 'restore', ...ids('0') }],
    ['restores what is Unknown in time', '?oooo', late, { kind: 'restore', ...ids('0') }],
    ['gives Initializing the extension grace period', 'ioooo', late, wait('health')],
    ['ends Initializing after four hours', 'ioooo', after(14_400_000), { kind: 'restore' }],
    ['restores what never came up', '~oooo', after(305_000), { kind: 'restore', ...ids('0') }],
    ['counts the drain to the swap', '~oooo', after(304_999), wait('swap')],
    ['a longer health timeout is a longer swap', '~oooo', slow(305_000), wait('swap')],
    [
      'fails instead without rollback',
      '!oooo',
      { ...late, ...stay },
      { kind: 'fail', ...ids('0') },
    ],
    ['accepts before it restores', '+!oooooooo', late, { kind: 'accept', instanceIds: ['0'] }],
    ['waits for the restore', '<oooo', {}, wait('restore')],
    ['waits for health after the restore', '>oooo', {}, wait('restore')],
    ['is restored once Healthy', 'eoooo', {}, { kind: 'restored', ...ids('0') }],
    ['is restored in time, healthy or not', '>oooo', late, { kind: 'restored', ...ids('0') }],
    ['fails when the old disk never comes up', '<oooo', after(305_000), { kind: 'fail' }],
    ['ends when nothing is in flight', 'noooo', open, { kind: 'endBatch', number: 1 }],
    ['ends before a cancel', 'noooo', { ...open, ...cancel }, { kind: 'endBatch' }],
    ['goes on after a cancel', '~oooo', cancel, wait('swap')],
  ])('%s: %s', check);

  test('fails what was deleted meanwhile: gone, or still going', () => {
    const view = viewOf('~oooo');
    const [swapping, ...others] = view.instances;
    if (swapping === undefined) throw new Error('five instances were asked for');
    const lost = { kind: 'fail', instanceIds: ['0'] };
    expect(planRollingUpgrade({ ...view, instances: others })).toMatchObject(lost);
    const going = [{ ...swapping, deleting: true }, ...others];
    expect(planRollingUpgrade({ ...view, instances: going })).toMatchObject(lost);
  });

  test('time during which nobody watched is held against no instance', () => {
    const now = START_MS + 7_200_000;
    const justBack = { ...after(3_600_000), now, watchingSinceMs: now - 1000 };
    check('', '?oooo', justBack, { ...wait('health'), untilMs: now + 19_000 });
    check('', '~oooo', justBack, { ...wait('swap'), untilMs: now + 304_000 });
  });
});

describe('between batches', () => {
  const upgradedLimit = 'MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade';
  test.each<Row>([
    ['a bad version stops the run', 'roooo', {}, { ...faulted(upgradedLimit), ...quarantined }],
    ['so does one that failed', 'Xoooo', {}, { ...faulted(upgradedLimit), ...quarantined }],
    [
      'so does one unhealthy later',
      'nNoooooooo',
      {},
      { ...faulted(upgradedLimit), ...quarantined },
    ],
    ['at the limit is not over it', 'nnnnRooooo', {}, batch('5')],
    ['no tolerance at 0', 'nnnnrooooo', { policy: strict }, faulted(upgradedLimit)],
    ['an accepted one that is Unknown again is waited for', 'nuoooooooo', {}, wait('health')],
    ['an accepted one under repair is waited for', 'n%oooooooo', {}, wait('health')],
    ['an Unknown one in the set is waited for', 'oqoooooooo', {}, wait('health')],
    ['so is one that starts for the first time', 'o_oooooooo', {}, wait('health')],
    ['Unknown for too long is unhealthy', 'ooooooooqq', late, batch('0')],
    ['the pause is honoured', 'nnoooooooo', pause(10_001), wait('pause')],
    ['the pause ends', 'nnoooooooo', pause(10_000), batch('2', '3')],
    ['no pause before the first batch', 'oooooooooo', pause(60_000), batch('0', '1')],
    ['no pause after the last batch', 'nnnn', pause(60_000), { kind: 'end', state: 'Completed' }],
    ['nothing to do is Completed', 'bbbb', {}, { kind: 'end', state: 'Completed' }],
    ['an empty fleet is Completed', '', {}, { kind: 'end', state: 'Completed' }],
    ['Completed within the limits', 'nnnnr', {}, { kind: 'end', state: 'Completed' }],
    ['a cancel ends the run', 'noooo', cancel, { kind: 'end', state: 'Cancelled' }],
    [
      'a cancel does not save a bad version',
      'roooo',
      cancel,
      { state: 'Cancelled', ...quarantined },
    ],
    ['a cancel before the first batch', 'ooooo', cancel, { kind: 'end', state: 'Cancelled' }],
  ])('%s: %s', check);

  test.each<Row>([
    [
      'three of ten unhealthy: no instance is touched',
      'OOOooooooo',
      {},
      faulted('MaxUnhealthyInstancePercentExceededBeforeRollingUpgrade'),
    ],
    [
      'the same later',
      'nnnnnooOOO',
      {},
      faulted('MaxUnhealthyInstancePercentExceededInRollingUpgrade'),
    ],
    ['two of ten are tolerated', 'OOoooooooo', {}, batch('0', '1')],
    ['no space for fresh OS disks', 'oooooooooo', space(1), faulted('InsufficientDiskSpace')],
    ['space for exactly one batch', 'oooooooooo', space(2), batch('0', '1')],
  ])('%s: %s', check);

  test('a person who deletes an instance is not the fault of the version either', () => {
    const view = viewOf('xoooo');
    const instances = view.instances.slice(1);
    expect(planRollingUpgrade({ ...view, instances })).toMatchObject(batch('1'));
  });

  test('a sick set is not the fault of the version', () => {
    const step = planRollingUpgrade(viewOf('nnnnnooOOO'));
    expect(step).not.toHaveProperty('quarantine');
  });
});

describe('sentences', () => {
  const messageOf = (step: UpgradeStep) => (step.kind === 'end' ? step.error?.message : undefined);

  test("Azure's own for a bad version, with our finding", () => {
    const view = viewOf('nrooo');
    const reason = 'not Healthy 20 s after its OS answered but Unhealthy: HTTP 503 from /healthz';
    const record = view.outcomes['1'];
    if (record === undefined) throw new Error('instance 1 was restored');
    const step = planRollingUpgrade({
      ...view,
      outcomes: { ...view.outcomes, 1: { ...record, reason } },
    });
    expect(messageOf(step)).toBe(
      'Rolling Upgrade failed after exceeding the MaxUnhealthyUpgradedInstancePercent value defined in the RollingUpgradePolicy. ' +
        '50% of instances are in an unhealthy state after being upgraded - more than the threshold of 20%. ' +
        'The most impactful error is: Instance found to be unhealthy or unreachable. ' +
        '(Instance 1: not Healthy 20 s after its OS answered but Unhealthy: HTTP 503 from /healthz.) First failed instance ID is: 1.',
    );
  });

  test("Azure's own for an unhealthy set", () => {
    expect(messageOf(planRollingUpgrade(viewOf('nnnnnooOOO')))).toBe(
      'Rolling Upgrade failed after exceeding the MaxUnhealthyInstancePercent value defined in the RollingUpgradePolicy. ' +
        '30% of instances are in an unhealthy state - more than the threshold of 20%. ' +
        'To apply upgrades, consider increasing the MaxUnhealthyInstancePercent value.',
    );
  });

  test('a batch says who, where to, how many are left and the limit', () => {
    expect(planRollingUpgrade(viewOf('oooooooooo')).note).toBe(
      'Batch 1: instances 0, 1 to 2.0.0, 8 pending afterwards; at most 2 of 10 at once (maxBatchInstancePercent 20).',
    );
  });
});
