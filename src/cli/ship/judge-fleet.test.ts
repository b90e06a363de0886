import { expect, test } from 'vitest';
import { fleet, run } from '../fleet/testing.ts';
import { judgeFleet, noteProgress, NO_PROGRESS } from './judge-fleet.ts';
import { BOOT_ALLOWANCE_MS, ROLLOUT_STALL_MS } from './limits.ts';

const goal = { version: '1.1.0', healthTimeoutMs: 20_000 };
const quarantined = {
  versions: {
    latest: '1.0.0',
    losers: [{ name: '1.1.0', why: 'quarantined', sentence: '1.1.0 is quarantined here.' }],
  },
};

/** `idleMs`: since anything last moved. */
function judge(status: ReturnType<typeof fleet>, idleMs = 0) {
  const progress = noteProgress(NO_PROGRESS, status, goal, 1000);
  const verdict = judgeFleet(status, goal, progress, 1000 + idleMs);
  return 'sentence' in verdict ? `${verdict.kind}: ${verdict.sentence}` : verdict.kind;
}

test.each([
  ['every instance Healthy on it, and no run', fleet('healthy healthy'), 0, /^reached$/],
  [
    'a run that is not over is waited for',
    fleet('healthy healthy', run('RollingForward', ['upgraded', 'upgrading'])),
    0,
    /^wait$/,
  ],
  [
    'a run that is over',
    fleet('healthy healthy', run('Completed', ['upgraded', 'upgraded'])),
    0,
    /^reached$/,
  ],
  ['still the old version, before the run starts', fleet('old old'), 0, /^wait$/],
  ['an instance is missing', fleet('healthy healthy', { capacity: 3 }), 0, /^wait$/],
  ['healthy, but on the old version', fleet('healthy old'), 0, /^wait$/],
  [
    'one that is on its way out does not count',
    fleet('healthy', {
      capacity: 0,
      instances: [
        {
          instanceId: '0',
          name: 'a',
          power: 'running',
          health: 'Healthy',
          version: '1.1.0',
          wanted: 'deleted',
        },
      ],
    }),
    0,
    /^reached$/,
  ],
  [
    'a run that faulted',
    fleet('old old', run('Faulted', ['restored'])),
    0,
    /^stopped: the roll-out of 1.1.0 stopped, 1 restored, 0 failed: Batch 2/,
  ],
  [
    'a faulted run that still restores',
    fleet('booting old', run('Faulted', ['restoring'])),
    0,
    /^wait$/,
  ],
  [
    'a run that was cancelled',
    fleet('healthy old', run('Cancelled', ['upgraded'])),
    0,
    /^stopped: .*cancelled/,
  ],
  [
    'a run that ended with some restored',
    fleet('healthy old', run('Completed', ['upgraded', 'restored'])),
    0,
    /^stopped: .*1 restored.*not Healthy in 20 s/,
  ],
  [
    'a version that is not taken',
    fleet('old old', quarantined),
    0,
    /^stopped: the fleet does not take 1.1.0: 1.1.0 is quarantined/,
  ],
  [
    'nothing becomes healthy, for a while',
    fleet('unhealthy unhealthy'),
    BOOT_ALLOWANCE_MS,
    /^wait$/,
  ],
  [
    'nothing becomes healthy, ever',
    fleet('unhealthy healthy'),
    20_000 + BOOT_ALLOWANCE_MS,
    /^stopped: 1 of 2 instances are Healthy on 1.1.0.*shop_0: Unhealthy: HTTP 503/,
  ],
  [
    'a run that does not move',
    fleet('booting old', run('RollingForward', ['upgrading'])),
    40_000 + ROLLOUT_STALL_MS,
    /^stuck: .*Batch 2 waits/,
  ],
] as const)('%s', (_what, status, idleMs, expected) => {
  expect(judge(status, idleMs)).toMatch(expected);
});

test('an instance that flaps makes no progress, a new healthy one does', () => {
  const one = noteProgress(NO_PROGRESS, fleet('healthy unhealthy'), goal, 1000);
  const flapped = noteProgress(one, fleet('unhealthy unhealthy'), goal, 2000);
  const back = noteProgress(flapped, fleet('healthy unhealthy'), goal, 3000);
  expect([one.at, flapped.at, back.at]).toEqual([1000, 1000, 1000]);
  expect(noteProgress(back, fleet('healthy healthy'), goal, 4000).at).toBe(4000);
});
