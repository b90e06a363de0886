// The words of a rolling upgrade: Azure's own sentences where it has them, ours elsewhere. Pure.
import type { UpgradeView } from './view.ts';

/** At most this many ids are listed by name in one sentence. */
const NAMED_IDS = 8;
const GIB = 2 ** 30;

/** `33.3` for 1 of 3, `20` for 2 of 10. For reading only: limits are compared without rounding. */
export function percentOf(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((1000 * part) / whole) / 10;
}

export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

/**
 * `until 21:57:13Z`. A moment, not the time left: a sentence that stays the same while nothing
 * changes is stored once and told once.
 */
export function until(ms: number): string {
  return `until ${new Date(ms).toISOString().slice(11, 19)}Z`;
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : noun.endsWith('ch') ? 'es' : 's'}`;
}

/** `instance 3`, `instances 3, 4, 5`, `instances 0, 1, 2, 3, 4, 5, 6, 7 and 12 more`. */
export function names(ids: readonly string[]): string {
  const more = ids.length > NAMED_IDS ? ` and ${ids.length - NAMED_IDS} more` : '';
  return `instance${ids.length === 1 ? '' : 's'} ${ids.slice(0, NAMED_IDS).join(', ')}${more}`;
}

/** Azure's text, as published in opencga#987; its form before the first batch is our reading. */
export function setUnhealthySentence(before: boolean, percent: number, limit: number): string {
  return (
    `Rolling Upgrade failed ${before ? 'before starting ' : ''}after exceeding the MaxUnhealthyInstancePercent value ` +
    `defined in the RollingUpgradePolicy. ${percent}% of instances are in an unhealthy state - ` +
    `more than the threshold of ${limit}%. ` +
    'To apply upgrades, consider increasing the MaxUnhealthyInstancePercent value.'
  );
}

export type UpgradedUnhealthyFacts = {
  readonly percent: number;
  readonly limit: number;
  readonly firstFailedInstanceId: string;
  /** Our own finding about that instance; Azure gives none. */
  readonly reason: string;
};

/** Azure's text, as published in AzureTRE#1591, with our finding in brackets. */
export function upgradedUnhealthySentence(facts: UpgradedUnhealthyFacts): string {
  return (
    'Rolling Upgrade failed after exceeding the MaxUnhealthyUpgradedInstancePercent value ' +
    `defined in the RollingUpgradePolicy. ${facts.percent}% of instances are in an unhealthy state ` +
    `after being upgraded - more than the threshold of ${facts.limit}%. ` +
    'The most impactful error is: Instance found to be unhealthy or unreachable. ' +
    `(${facts.reason}) First failed instance ID is: ${facts.firstFailedInstanceId}.`
  );
}

export function diskSpaceSentence(count: number, space: UpgradeView['diskSpace']): string {
  const needed = gib(count * space.neededBytesPerInstance);
  return (
    `Rolling Upgrade stopped: a batch of ${count} needs ${needed} for fresh OS disks and ` +
    `${gib(space.freeBytes)} are free where they are made. Free some space, then start the upgrade again.`
  );
}

function gib(bytes: number): string {
  return `${Math.round((bytes / GIB) * 10) / 10} GiB`;
}
