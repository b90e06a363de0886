// Invariants of one planned step of a rolling upgrade, given what the planner saw. Pure.
//
// Written from the promises, not from the planner: it shares no arithmetic with it.
import type { UpgradeStep, UpgradeView } from '../planning/rolling-upgrade/view.ts';
import type { Finding } from './finding.ts';

type BatchStep = Extract<UpgradeStep, { kind: 'upgradeBatch' }>;

export function checkUpgradeStep(view: UpgradeView, step: UpgradeStep): Finding[] {
  const always = checkSaysWhy(step);
  if (step.kind === 'end') return [...always, ...checkEndsWithNothingInFlight(view)];
  if (step.kind !== 'upgradeBatch') return always;
  return [
    ...always,
    ...checkBatchWithinLimit(view, step),
    ...checkOneBatchAtATime(view, step),
    ...checkBatchMembers(view, step),
  ];
}

function checkSaysWhy(step: UpgradeStep): Finding[] {
  if (/\S.*\.$/.test(step.note)) return [];
  return [
    { check: 'says why', sentence: `The note of a ${step.kind} is no sentence: ${step.note}` },
  ];
}

/** Down because of us: batch, repairs and scale-in together, against N as it is now. */
function checkBatchWithinLimit(view: UpgradeView, step: BatchStep): Finding[] {
  const present = view.instances.filter((each) => !each.deleting);
  const share = Math.floor((present.length * view.policy.maxBatchInstancePercent) / 100);
  const limit = share < 1 ? 1 : share;
  const down = new Set(step.instanceIds);
  for (const each of view.instances) if (each.deleting || each.repairing) down.add(each.instanceId);
  if (down.size <= limit) return [];
  const sentence = `Batch ${step.number} makes ${down.size} instances down (${[...down].join(', ')}), limit ${limit} of ${present.length}.`;
  return [{ check: 'down because of us', sentence }];
}

function checkOneBatchAtATime(view: UpgradeView, step: BatchStep): Finding[] {
  const busy = inFlightIds(view);
  const open = view.batches.filter((batch) => batch.endedAt === undefined);
  if (busy.length === 0 && open.length === 0) return [];
  const sentence = `Batch ${step.number} starts while ${busy.join(', ') || 'none'} are in flight and ${open.length} batches are open.`;
  return [{ check: 'one batch at a time', sentence }];
}

/** Each member exists, stays, is named once, needs the target and has not been tried by this run. */
function checkBatchMembers(view: UpgradeView, step: BatchStep): Finding[] {
  const findings: Finding[] = [];
  const add = (sentence: string) => findings.push({ check: 'batch members', sentence });
  if (step.instanceIds.length === 0) add(`Batch ${step.number} is empty.`);
  if (new Set(step.instanceIds).size < step.instanceIds.length) {
    add(`Batch ${step.number} names an instance twice: ${step.instanceIds.join(', ')}.`);
  }
  for (const id of step.instanceIds) {
    const instance = view.instances.find((each) => each.instanceId === id);
    if (instance === undefined) add(`Batch ${step.number} names ${id}, which does not exist.`);
    else if (instance.deleting) add(`Batch ${step.number} names ${id}, which is being deleted.`);
    else if (instance.version === view.targetVersion) {
      add(`Batch ${step.number} names ${id}, which is on ${view.targetVersion} already.`);
    }
    if (view.outcomes[id] !== undefined) {
      add(`Batch ${step.number} names ${id} again: it was ${view.outcomes[id].outcome}.`);
    }
  }
  return findings;
}

function checkEndsWithNothingInFlight(view: UpgradeView): Finding[] {
  const busy = inFlightIds(view);
  if (busy.length === 0) return [];
  return [
    { check: 'run ends whole', sentence: `The run ends while ${busy.join(', ')} are in flight.` },
  ];
}

function inFlightIds(view: UpgradeView): string[] {
  return Object.entries(view.outcomes)
    .filter(([, { outcome }]) => outcome === 'upgrading' || outcome === 'restoring')
    .map(([id]) => id);
}
