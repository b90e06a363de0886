// Sorts the instances of one view into the named sets that the planner's questions ask about. Pure.
import type { InstanceUpgrade, UpgradeBatch } from '../../model/scale-set.ts';
import { compareInstanceIds } from './batch.ts';
import { judge, type Verdict } from './verdict.ts';
import type { UpgradeInstanceView, UpgradeView } from './view.ts';

export type Judged = { readonly instance: UpgradeInstanceView; readonly verdict: Verdict };

/** An instance this run has swapped, with what came of it. */
export type Attempt = Judged & { readonly record: InstanceUpgrade };

export type Buckets = {
  /** Instances that are to stay: N of every percentage. */
  readonly present: readonly Judged[];
  readonly deleting: readonly UpgradeInstanceView[];
  /** Of the batch in flight: on the target's disk, no verdict yet. */
  readonly upgrading: readonly Attempt[];
  /** Of the batch in flight: on the way back to the previous disk. */
  readonly restoring: readonly Attempt[];
  /** Of the batch in flight, but no longer there or about to be deleted. */
  readonly lostIds: readonly string[];
  /** Swapped by this run, finished, and still there. */
  readonly attempted: readonly Attempt[];
  /** Neither on the target version nor attempted by this run. */
  readonly pending: readonly UpgradeInstanceView[];
  readonly openBatch: UpgradeBatch | undefined;
};

export function sortIntoBuckets(view: UpgradeView): Buckets {
  const sorted = view.instances.toSorted((a, b) => compareInstanceIds(a.instanceId, b.instanceId));
  const staying = sorted.filter((instance) => !instance.deleting);
  const present = staying.map((instance) => ({ instance, verdict: judge(instance, view) }));
  const attempts = present.flatMap((judged): Attempt[] => {
    const record = view.outcomes[judged.instance.instanceId];
    return record === undefined ? [] : [{ ...judged, record }];
  });
  const stayingIds = new Set(staying.map((instance) => instance.instanceId));
  return {
    present,
    deleting: sorted.filter((instance) => instance.deleting),
    upgrading: attempts.filter((attempt) => attempt.record.outcome === 'upgrading'),
    restoring: attempts.filter((attempt) => attempt.record.outcome === 'restoring'),
    lostIds: Object.entries(view.outcomes)
      .filter(([id, record]) => inFlight(record) && !stayingIds.has(id))
      .map(([id]) => id)
      .toSorted(compareInstanceIds),
    attempted: attempts.filter((attempt) => !inFlight(attempt.record)),
    pending: staying.filter(
      (instance) =>
        instance.version !== view.targetVersion && view.outcomes[instance.instanceId] === undefined,
    ),
    openBatch: view.batches.find((batch) => batch.endedAt === undefined),
  };
}

function inFlight(record: InstanceUpgrade): boolean {
  return record.outcome === 'upgrading' || record.outcome === 'restoring';
}
