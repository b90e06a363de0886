import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { resolveLatest } from './latest.ts';
import type { CandidateVersion } from './view.ts';

function version(name: string, change: Partial<CandidateVersion> = {}): CandidateVersion {
  return {
    name,
    provisioningState: 'Succeeded',
    excludeFromLatest: false,
    regions: [{ name: 'westus', excludeFromLatest: false }],
    ...change,
  };
}

test.each([
  ['the highest number', [version('1.0.0'), version('1.2.0'), version('1.1.0')], '1.2.0'],
  ['compared as numbers', [version('1.9.0'), version('1.10.0')], '1.10.0'],
  [
    'not one that is still made',
    [version('1.0.0'), version('2.0.0', { provisioningState: 'Creating' })],
    '1.0.0',
  ],
  [
    'not one that failed',
    [version('1.0.0'), version('2.0.0', { provisioningState: 'Failed' })],
    '1.0.0',
  ],
  [
    'not an excluded one',
    [version('1.0.0'), version('2.0.0', { excludeFromLatest: true })],
    '1.0.0',
  ],
  [
    'not one without a replica here',
    [version('1.0.0'), version('2.0.0', { regions: [] })],
    '1.0.0',
  ],
  [
    'not one excluded here',
    [
      version('1.0.0'),
      version('2.0.0', { regions: [{ name: 'westus', excludeFromLatest: true }] }),
    ],
    '1.0.0',
  ],
  [
    'one excluded elsewhere',
    [
      version('1.0.0'),
      version('2.0.0', {
        regions: [
          { name: 'eastus', excludeFromLatest: true },
          { name: 'westus', excludeFromLatest: false },
        ],
      }),
    ],
    '2.0.0',
  ],
  [
    'not a quarantined one',
    [version('1.0.0'), version('2.0.0', { quarantined: 'it failed' })],
    '1.0.0',
  ],
  [
    'however the region is written',
    [version('1.0.0', { regions: [{ name: 'West US', excludeFromLatest: false }] })],
    '1.0.0',
  ],
  ['none', [], undefined],
  ['none that may be used', [version('1.0.0', { excludeFromLatest: true })], undefined],
])('%s', (_why, versions, latest) => {
  expect(resolveLatest(versions, 'westus').latest).toBe(latest);
});

test('says of every other version why it lost, highest first', () => {
  const answer = resolveLatest(
    [
      version('0.9.0'),
      version('1.0.0'),
      version('1.1.0', { quarantined: '1 of 1 instances were not healthy on it.' }),
      version('1.2.0', { regions: [{ name: 'westus', excludeFromLatest: true }] }),
      version('1.3.0', { regions: [{ name: 'eastus', excludeFromLatest: false }] }),
      version('1.4.0', { excludeFromLatest: true }),
      version('1.5.0', { provisioningState: 'Creating' }),
    ],
    'westus',
  );
  expect(answer).toEqual({
    latest: '1.0.0',
    losers: [
      {
        name: '1.5.0',
        why: 'notProvisioned',
        sentence: '1.5.0 is not usable: its provisioningState is Creating.',
      },
      {
        name: '1.4.0',
        why: 'excludedFromLatest',
        sentence: '1.4.0 is published with excludeFromLatest.',
      },
      {
        name: '1.3.0',
        why: 'notInRegion',
        sentence: '1.3.0 has no complete replica in westus, but in: eastus.',
      },
      {
        name: '1.2.0',
        why: 'excludedInRegion',
        sentence: '1.2.0 is published with excludeFromLatest for westus.',
      },
      {
        name: '1.1.0',
        why: 'quarantined',
        sentence:
          '1.1.0 is quarantined on this scale set: 1 of 1 instances were not healthy on it.',
      },
      { name: '0.9.0', why: 'lower', sentence: '0.9.0 is lower than 1.0.0.' },
    ],
  });
});

test('one version is latest or a loser, none both or neither', () => {
  const names = fc.uniqueArray(
    fc
      .tuple(fc.nat({ max: 12 }), fc.nat({ max: 12 }), fc.nat({ max: 12 }))
      .map((parts) => parts.join('.')),
  );
  fc.assert(
    fc.property(names, fc.boolean(), (all, excludeFromLatest) => {
      const { latest, losers } = resolveLatest(
        all.map((name, i) =>
          version(name, { excludeFromLatest: excludeFromLatest && i % 2 === 0 }),
        ),
        'westus',
      );
      const told = [...losers.map(({ name }) => name), ...(latest === undefined ? [] : [latest])];
      expect(told.toSorted()).toEqual(all.toSorted());
    }),
  );
});
