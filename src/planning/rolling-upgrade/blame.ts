// Whether the version is to blame: the share of what this run swapped that did not come out healthy.
import type { Attempt, Buckets } from './buckets.ts';
import { percentOf, upgradedUnhealthySentence } from './sentences.ts';
import type { UpgradeView } from './view.ts';

export type Blame = {
  /** Azure's sentence for the end of the run. */
  readonly message: string;
  /** Why the version is not to be started on this set again. */
  readonly quarantine: string;
};

/**
 * Restored and failed instances count as unhealthy upgraded ones, as do those that were accepted and
 * have become unhealthy since. Instances that are gone or going count neither way: a person who
 * deletes one is not the version's fault. Strictly more than the limit: 1 of 5 is 20 %, and allowed.
 */
export function blameOf(view: UpgradeView, { attempted }: Buckets): Blame | undefined {
  const bad = attempted.filter(isBad).toSorted(byBatch);
  const first = bad[0];
  const limit = view.policy.maxUnhealthyUpgradedInstancePercent;
  if (first === undefined || bad.length * 100 <= limit * attempted.length) return undefined;
  const percent = percentOf(bad.length, attempted.length);
  const reason = findingAbout(first);
  const firstFailedInstanceId = first.instance.instanceId;
  return {
    message: upgradedUnhealthySentence({ percent, limit, firstFailedInstanceId, reason }),
    quarantine:
      `${bad.length} of ${attempted.length} instances swapped to ${view.targetVersion} were not healthy on it, ` +
      `${percent} % > maxUnhealthyUpgradedInstancePercent ${limit}. ${reason}`,
  };
}

function isBad({ record, verdict }: Attempt): boolean {
  return record.outcome !== 'upgraded' || verdict.kind === 'unhealthy';
}

/** Buckets are in order of instance id and sorting is stable: first batch, then lowest id. */
function byBatch(a: Attempt, b: Attempt): number {
  return a.record.batch - b.record.batch;
}

function findingAbout({ instance, record }: Attempt): string {
  const finding =
    record.outcome === 'upgraded'
      ? `Unhealthy after it had been accepted: ${instance.healthReason}`
      : (record.reason ?? instance.healthReason);
  return `Instance ${instance.instanceId}: ${finding.replace(/\.$/, '')}.`;
}
