// Each promise is judged by its own figures: one broken figure breaks one row.
import { expect, test } from 'vitest';
import { type Observations, proofRows, toResult } from './proof.ts';
import { proofTable } from './proof-table.ts';

const versions = (version: string) =>
  Object.fromEntries([0, 1, 2, 3, 4].map((n) => [`guestbook_${n}`, version]));

const rollOut = {
  shipExitCode: 0,
  versionsAfter: versions('2.0.0'),
  filesBefore: 40,
  changedFiles: [],
  swaps: 5,
  swapsWithOtherDisks: [],
  requests: { sent: 900, failed: 0 },
};
const good: Observations = {
  seconds: 200,
  phases: { 'control plane': 2.5, proof: 1 },
  capacity: 5,
  requests: { sent: 2000, failed: 0 },
  failures: [],
  mostDown: ['guestbook_0'],
  samples: 700,
  entriesWritten: 800,
  lost: [],
  v2: rollOut,
  v3: {
    ...rollOut,
    shipExitCode: 2,
    swaps: 2,
    restore: {
      instance: 'guestbook_0',
      batch: 1,
      detectedAfterSeconds: 28.1,
      healthyAgainAfterSeconds: 8.2,
      reason: 'HTTP 503 from /healthz',
    },
  },
  versions: versions('2.0.0'),
};

const broken = (change: Partial<Observations>) =>
  proofRows({ ...good, ...change })
    .filter((row) => !row.kept)
    .map((row) => row.promise);

test('a good run keeps every promise', () => {
  expect(broken({})).toEqual([]);
  expect(toResult(good)).toEqual({
    seconds: 200,
    phases: { 'control plane': 2.5, proof: 1 },
    requests: { sent: 2000, failed: 0 },
    maxShareDownPercent: 20,
    entriesWritten: 800,
    entriesLost: 0,
    dataDisksIdentical: true,
    v2: { instancesOnVersion: 5 },
    v3: { detected: true, rolledBack: true, fleetVersion: '2.0.0' },
  });
});

test.each<[string, Partial<Observations>, string]>([
  ['one failed request', { requests: { sent: 2000, failed: 1 } }, 'no request failed'],
  [
    'no traffic at all',
    { v2: { ...rollOut, requests: { sent: 0, failed: 0 } } },
    'no request failed',
  ],
  ['two down at once', { mostDown: ['a', 'b'] }, 'never more than 1 of 5 instances down'],
  ['nobody looked', { samples: 0 }, 'never more than 1 of 5 instances down'],
  ['one entry gone', { lost: ['guestbook_1/7'] }, 'no entry lost'],
  ['nothing written', { entriesWritten: 0 }, 'no entry lost'],
  [
    'a file changed',
    { v2: { ...rollOut, changedFiles: ['a/1.json'] } },
    'data disks kept as they were',
  ],
  [
    'another disk',
    { v3: { ...good.v3, swapsWithOtherDisks: ['instance 0'] } },
    'data disks kept as they were',
  ],
  [
    'one left on 1.0.0',
    { v2: { ...rollOut, versionsAfter: { ...versions('2.0.0'), guestbook_4: '1.0.0' } } },
    'version 2.0.0 reached every instance',
  ],
  [
    '3.0.0 went through',
    { v3: { ...good.v3, shipExitCode: 0 } },
    'version 3.0.0 was caught and undone',
  ],
  [
    'one stayed on 3.0.0',
    { versions: { ...versions('2.0.0'), guestbook_0: '3.0.0' } },
    'the fleet ended on 2.0.0',
  ],
])('%s breaks one promise', (_why, change, promise) => {
  expect(broken(change)).toEqual([promise]);
});

test('the table names each promise with its figures', () => {
  const table = proofTable(proofRows(good), good.phases, good.seconds);
  expect(table).toContain('kept    never more than 1 of 5 instances down');
  expect(table).toContain('guestbook_0, batch 1: given up after 28.1 s');
  expect(table).toContain('7 of 7 promises kept.');
});
