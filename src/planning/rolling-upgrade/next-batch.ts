// Starts the next batch, or says what does not allow one: the budget or the disk. Pure.
import { batchLimit, chooseBatch, inUpgradeOrder } from './batch.ts';
import type { Buckets } from './buckets.ts';
import { diskSpaceSentence, names } from './sentences.ts';
import type { UpgradeInstanceView, UpgradeStep, UpgradeView } from './view.ts';

export function nextBatch(view: UpgradeView, { present, deleting, pending }: Buckets): UpgradeStep {
  const unhealthyIds = idsOf(
    present.filter(({ verdict }) => verdict.kind !== 'healthy').map(({ instance }) => instance),
  );
  const repairing = present.map(({ instance }) => instance).filter((each) => each.repairing);
  const downIds = idsOf([...repairing, ...deleting]);
  const batch = chooseBatch({
    pending: inUpgradeOrder(pending, unhealthyIds, view.policy),
    instanceCount: present.length,
    downIds,
    unhealthyIds,
    policy: view.policy,
  });
  if (batch.length === 0) return waitForBudget(view, present.length, [...downIds]);
  if (batch.length * view.diskSpace.neededBytesPerInstance > view.diskSpace.freeBytes) {
    return endForDiskSpace(view, batch.length);
  }
  const number = view.batches.length + 1;
  const instanceIds = [...idsOf(batch)];
  return {
    kind: 'upgradeBatch',
    number,
    instanceIds,
    note:
      `Batch ${number}: ${names(instanceIds)} to ${view.targetVersion}, ${pending.length - batch.length} pending afterwards; ` +
      `${limitText(view, present.length)}.`,
  };
}

function waitForBudget(view: UpgradeView, count: number, downIds: readonly string[]): UpgradeStep {
  return {
    kind: 'wait',
    for: 'budget',
    note: `No batch now, ${names(downIds)} ${downIds.length === 1 ? 'is' : 'are'} down by repair or scale-in; ${limitText(view, count)}.`,
  };
}

function endForDiskSpace(view: UpgradeView, count: number): UpgradeStep {
  const message = diskSpaceSentence(count, view.diskSpace);
  return {
    kind: 'end',
    state: 'Faulted',
    error: { code: 'InsufficientDiskSpace', message },
    note: `Faulted: ${message}`,
  };
}

function limitText(view: UpgradeView, count: number): string {
  const percent = view.policy.maxBatchInstancePercent;
  return `at most ${batchLimit(count, percent)} of ${count} at once (maxBatchInstancePercent ${percent})`;
}

function idsOf(instances: readonly UpgradeInstanceView[]): Set<string> {
  return new Set(instances.map(({ instanceId }) => instanceId));
}
