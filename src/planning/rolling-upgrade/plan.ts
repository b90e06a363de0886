// Decides the next step of a rolling OS upgrade. Pure: no clock, no I/O, no ids made here.
//
// The order of the questions is the policy. First the batch in flight is brought to its end, whoever
// has cancelled what; then the instances this run has swapped are judged, for they tell whether the
// version is to blame; only then may the pause, the set as a whole, the disk and the budget allow
// another batch.
import { sortIntoBuckets, type Buckets } from './buckets.ts';
import {
  askBatchOver,
  askCancelled,
  askComplete,
  askPause,
  askSetUndecided,
  askSetUnhealthy,
  askSwappedUndecided,
  askVersionToBlame,
} from './between-batches.ts';
import {
  askBackOnPreviousDisk,
  askHealthy,
  askLost,
  askNeverBack,
  askNotHealthyInTime,
  askStillInFlight,
} from './in-flight.ts';
import { nextBatch } from './next-batch.ts';
import type { UpgradeStep, UpgradeView } from './view.ts';

type Question = (view: UpgradeView, buckets: Buckets) => UpgradeStep | undefined;

const QUESTIONS: readonly Question[] = [
  askLost,
  askHealthy,
  askNotHealthyInTime,
  askBackOnPreviousDisk,
  askNeverBack,
  askStillInFlight,
  askBatchOver,
  askCancelled,
  askVersionToBlame,
  askSwappedUndecided,
  askComplete,
  askPause,
  askSetUndecided,
  askSetUnhealthy,
];

export function planRollingUpgrade(view: UpgradeView): UpgradeStep {
  const buckets = sortIntoBuckets(view);
  for (const ask of QUESTIONS) {
    const step = ask(view, buckets);
    if (step !== undefined) return step;
  }
  return nextBatch(view, buckets);
}
