// The questions while no batch is in flight: end the run, wait, or go on to the next batch. Pure.
import { blameOf } from './blame.ts';
import type { Buckets, Judged } from './buckets.ts';
import { countOf, names, percentOf, seconds, setUnhealthySentence, until } from './sentences.ts';
import type { UpgradeStep, UpgradeView } from './view.ts';

export function askBatchOver(view: UpgradeView, { openBatch }: Buckets): UpgradeStep | undefined {
  if (openBatch === undefined) return undefined;
  const outcomes = openBatch.instanceIds.map((id) => view.outcomes[id]?.outcome);
  return {
    kind: 'endBatch',
    number: openBatch.number,
    note: `Batch ${openBatch.number} is over: ${tally(outcomes)}.`,
  };
}

/** The version is judged here too: a bad one is not to come back because somebody was quicker. */
export function askCancelled(view: UpgradeView, buckets: Buckets): UpgradeStep | undefined {
  if (!view.cancelRequested) return undefined;
  const blame = blameOf(view, buckets);
  return {
    kind: 'end',
    state: 'Cancelled',
    ...(blame === undefined ? {} : { quarantine: blame.quarantine }),
    note: `Cancelled on request: ${runTally(view, buckets)}.`,
  };
}

/** Azure's post-check. It comes before the check of the whole set, for it blames the version. */
export function askVersionToBlame(view: UpgradeView, buckets: Buckets): UpgradeStep | undefined {
  const blame = blameOf(view, buckets);
  if (blame === undefined) return undefined;
  return {
    kind: 'end',
    state: 'Faulted',
    error: {
      code: 'MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade',
      message: blame.message,
    },
    quarantine: blame.quarantine,
    note: `Faulted: ${blame.quarantine} ${capitalised(runTally(view, buckets))}.`,
  };
}

/** Judged once for good when it was accepted, but not past a doubt that has come up since. */
export function askSwappedUndecided(
  _view: UpgradeView,
  { attempted }: Buckets,
): UpgradeStep | undefined {
  const waiting = attempted.filter(
    ({ record, verdict }) => record.outcome === 'upgraded' && verdict.kind === 'undecided',
  );
  return waiting.length === 0
    ? undefined
    : waitForVerdict(waiting, 'upgraded by this run, no longer known to be healthy');
}

export function askComplete(view: UpgradeView, buckets: Buckets): UpgradeStep | undefined {
  if (buckets.pending.length > 0) return undefined;
  const lost = buckets.attempted.filter(({ record }) => record.outcome !== 'upgraded');
  const within =
    lost.length === 0
      ? ''
      : `; ${percentOf(lost.length, buckets.attempted.length)} % did not come out healthy, within maxUnhealthyUpgradedInstancePercent ${view.policy.maxUnhealthyUpgradedInstancePercent}`;
  return {
    kind: 'end',
    state: 'Completed',
    note: `Completed on ${view.targetVersion}: ${runTally(view, buckets)}${within}.`,
  };
}

export function askPause(view: UpgradeView): UpgradeStep | undefined {
  const endedAt = view.batches.at(-1)?.endedAt;
  if (endedAt === undefined) return undefined;
  const pauseMs = view.policy.pauseTimeBetweenBatchesMs;
  const untilMs = Date.parse(endedAt) + pauseMs;
  if (view.now >= untilMs) return undefined;
  return {
    kind: 'wait',
    for: 'pause',
    untilMs,
    note: `Pause of ${seconds(pauseMs)} between batches, ${until(untilMs)}.`,
  };
}

/** A repair in flight is not waited for here: it only makes the batch smaller. */
export function askSetUndecided(_view: UpgradeView, { present }: Buckets): UpgradeStep | undefined {
  const waiting = present.filter(
    ({ instance, verdict }) => verdict.kind === 'undecided' && !instance.repairing,
  );
  return waiting.length === 0
    ? undefined
    : waitForVerdict(waiting, 'not known to be healthy or unhealthy');
}

/** Azure's check of the whole set, before the first batch and before each later one. */
export function askSetUnhealthy(view: UpgradeView, { present }: Buckets): UpgradeStep | undefined {
  const limit = view.policy.maxUnhealthyInstancePercent;
  const unhealthy = present.filter(({ verdict }) => verdict.kind === 'unhealthy');
  // Strictly more than the limit: 10 instances at 20 % tolerate exactly two.
  if (unhealthy.length * 100 <= limit * present.length) return undefined;
  const before = view.batches.length === 0;
  const percent = percentOf(unhealthy.length, present.length);
  return {
    kind: 'end',
    state: 'Faulted',
    error: {
      code: before
        ? 'MaxUnhealthyInstancePercentExceededBeforeRollingUpgrade'
        : 'MaxUnhealthyInstancePercentExceededInRollingUpgrade',
      message: setUnhealthySentence(before, percent, limit),
    },
    note:
      `Faulted: ${unhealthy.length} of ${present.length} instances are unhealthy (${names(idsOf(unhealthy))}), ` +
      `${percent} % > maxUnhealthyInstancePercent ${limit}${before ? '; no instance was touched' : ''}.`,
  };
}

function waitForVerdict(waiting: readonly Judged[], what: string): UpgradeStep {
  const deadlines = waiting.flatMap(({ verdict }) =>
    verdict.kind === 'undecided' && verdict.untilMs !== undefined ? [verdict.untilMs] : [],
  );
  const states = waiting.map(({ instance }) => stateOf(instance));
  const sentence = `Waits for health of ${names(idsOf(waiting))} (${[...new Set(states)].join(', ')}): ${what}`;
  if (deadlines.length === 0) return { kind: 'wait', for: 'health', note: `${sentence}.` };
  const untilMs = Math.min(...deadlines);
  const note = `${sentence}, ${until(untilMs)} at most.`;
  return { kind: 'wait', for: 'health', untilMs, note };
}

function stateOf(instance: Judged['instance']): string {
  if (instance.settled) return instance.health;
  return instance.repairing ? 'under repair' : 'starting';
}

function runTally(view: UpgradeView, { pending }: Buckets): string {
  const outcomes = Object.values(view.outcomes).map(({ outcome }) => outcome);
  return `${tally(outcomes)} in ${countOf(view.batches.length, 'batch')}, ${pending.length} not touched`;
}

function tally(outcomes: readonly (string | undefined)[]): string {
  const count = (outcome: string) => outcomes.filter((each) => each === outcome).length;
  return `${count('upgraded')} upgraded, ${count('restored')} restored, ${count('failed')} failed`;
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function idsOf(judged: readonly Judged[]): string[] {
  return judged.map(({ instance }) => instance.instanceId);
}
