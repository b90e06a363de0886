import { expect, test } from 'vitest';
import { beginTrack, type HealthTrack, nextHealth, nextProbe } from './judge.ts';
import { resultOf } from './testing.ts';

/** Results as letters (h healthy, u unhealthy), one each `everyMs`; the states as letters. */
function judge(letters: string, everyMs: number, policy = { intervalMs: 5000, numberOfProbes: 1 }) {
  let track = beginTrack(0);
  const states = Array.from(letters, (letter, i) => {
    track = nextHealth(track, resultOf(letter), policy, i * everyMs);
    return { Healthy: 'H', Unhealthy: 'U', Unknown: '?', Initializing: 'I' }[track.state];
  });
  return { states: states.join(''), track };
}

test.each([
  ['one result decides when one is asked for', 'huh', 5000, 1, 'HUH'],
  ['two in a row when two are asked for', 'hhuhuuhuhh', 5000, 2, '?HHHHUUUUH'],
  ['good news comes early while starting', 'uuuh', 250, 1, '???H'],
  ['bad news takes interval × probes while starting', 'uuuuuuu', 1000, 1, '?????UU'],
  ['… 10 s with two probes at 5 s', 'uuuuuuu', 2500, 2, '????UUU'],
  ['a flapping start is neither', 'uhuhuhuh', 2500, 2, '????????'],
  ['mixed results never change a known state', 'hhuhuhu', 5000, 2, '?HHHHHH'],
] as const)('%s', (_why, letters, everyMs, numberOfProbes, states) => {
  expect(judge(letters, everyMs, { intervalMs: 5000, numberOfProbes }).states).toBe(states);
});

test('unknown is the beginning, with its reason', () => {
  expect(beginTrack(7)).toMatchObject({ state: 'Unknown', since: 7, reason: 'not yet probed' });
});

test('since is when the state changed, the reason is of the last probe', () => {
  const { track } = judge('hhhu', 5000, { intervalMs: 5000, numberOfProbes: 2 });
  expect(track).toMatchObject({ state: 'Healthy', since: 5000, reason: 'HTTP 503 from /' });
});

const policy = { intervalMs: 5000, numberOfProbes: 2 };
const track = (rest: Partial<HealthTrack>): HealthTrack => ({ ...beginTrack(0), ...rest });
const healthy = { healthy: true, count: 1, since: 0 };
test.each([
  ['the first probe at once', {}, 0, { delayMs: 0, timeoutMs: 500 }],
  ['often while never healthy', { probes: 1 }, 250, { delayMs: 250, timeoutMs: 500 }],
  ['every fourth waits in full', { probes: 3 }, 900, { delayMs: 250, timeoutMs: 2000 }],
  ['in full after an answer', { probes: 1, streak: healthy }, 9, { delayMs: 250, timeoutMs: 2000 }],
  [
    'still often when Unhealthy from the start',
    { probes: 50, state: 'Unhealthy' as const },
    20_000,
    { delayMs: 250, timeoutMs: 500 },
  ],
  ['not for ever', { probes: 999 }, 300_000, { delayMs: 5000, timeoutMs: 2000 }],
  [
    'at the interval once healthy',
    { probes: 9, everHealthy: true },
    900,
    { delayMs: 5000, timeoutMs: 2000 },
  ],
] as const)('next probe: %s', (_why, rest, now, expected) => {
  expect(nextProbe(track(rest), policy, now)).toEqual(expected);
});

test('a timeout is never longer than the interval', () => {
  const short = { intervalMs: 100, numberOfProbes: 1 };
  expect(nextProbe(track({ everHealthy: true }), short, 0)).toEqual({
    delayMs: 100,
    timeoutMs: 100,
  });
});
