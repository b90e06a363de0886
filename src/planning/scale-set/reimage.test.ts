import { expect, test } from 'vitest';
import { planReimage, type ReimageView } from './reimage.ts';

const ten = Array.from({ length: 10 }, (_, i) => String(i));

function reimageView(change: Partial<ReimageView>): ReimageView {
  return {
    asked: ten,
    started: [],
    inFlight: [],
    failed: [],
    total: 10,
    otherwiseDown: 0,
    maxBatchInstancePercent: 20,
    upgradeInProgress: false,
    ...change,
  };
}

test.each<readonly [why: string, change: Partial<ReimageView>, expected: object]>([
  ['a whole set goes in batches', {}, { kind: 'reimage', instanceIds: ['0', '1'] }],
  [
    'a small set one by one',
    { asked: ['0', '1'], total: 2 },
    { kind: 'reimage', instanceIds: ['0'] },
  ],
  ['the next batch', { started: ['0', '1'] }, { kind: 'reimage', instanceIds: ['2', '3'] }],
  ['one batch at a time', { started: ['0', '1'], inFlight: ['1'] }, { kind: 'wait' }],
  ['others that are down count', { otherwiseDown: 1 }, { kind: 'reimage', instanceIds: ['0'] }],
  ['and may use up the limit', { otherwiseDown: 2 }, { kind: 'wait' }],
  ['not beside an upgrade', { upgradeInProgress: true }, { kind: 'wait' }],
  ['a failure stops it', { started: ['0', '1'], failed: ['1'] }, { kind: 'end', failed: ['1'] }],
  [
    'but not before the batch is over',
    { started: ['0', '1'], failed: ['1'], inFlight: ['0'] },
    { kind: 'wait' },
  ],
  ['all done', { started: ten }, { kind: 'end', failed: [] }],
  ['nobody left to do', { asked: [] }, { kind: 'end', failed: [] }],
])('%s', (_why, change, expected) => {
  const step = planReimage(reimageView(change));
  expect(step).toMatchObject(expected);
  expect(step.note).toMatch(/^Reimage: .*\.$/);
});
