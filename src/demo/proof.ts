// From what was seen to what is proven: each promise as one row with its figures and a verdict, and
// the machine-readable result. Pure.
import type { FailedRequest, RequestCount } from './traffic.ts';

/** Times in seconds. */
export type Observations = {
  readonly seconds: number;
  readonly phases: Readonly<Record<string, number>>;
  readonly capacity: number;
  readonly requests: RequestCount;
  readonly failures: readonly FailedRequest[];
  readonly mostDown: readonly string[];
  readonly samples: number;
  readonly entriesWritten: number;
  /** `<instance>/<id>` of acknowledged entries that could not be read back. */
  readonly lost: readonly string[];
  readonly v2: RollOut;
  readonly v3: RollOut & { readonly restore?: Restore };
  /** What each instance's own app answered at the end, by instance name. */
  readonly versions: Readonly<Record<string, string>>;
};

export type RollOut = {
  readonly shipExitCode: number;
  /** What the instances ran when it had ended, by instance name. */
  readonly versionsAfter: Readonly<Record<string, string>>;
  /** Entry files there when it was ordered, and those of them changed or missing afterwards. */
  readonly filesBefore: number;
  readonly changedFiles: readonly string[];
  /** Swaps it made, and those whose report says that a data disk differs. */
  readonly swaps: number;
  readonly swapsWithOtherDisks: readonly string[];
  readonly requests: RequestCount;
};

export type Restore = {
  readonly instance: string;
  readonly batch: number;
  readonly detectedAfterSeconds: number;
  readonly healthyAgainAfterSeconds: number;
  readonly reason: string;
};

export type Row = { readonly promise: string; readonly figures: string; readonly kept: boolean };

export function proofRows(seen: Observations): Row[] {
  const limit = Math.max(1, Math.floor(seen.capacity * 0.2));
  const { v2, v3 } = seen;
  const files = v2.filesBefore + v3.filesBefore;
  const changed = [...v2.changedFiles, ...v3.changedFiles];
  const otherDisks = [...v2.swapsWithOtherDisks, ...v3.swapsWithOtherDisks];
  return [
    {
      promise: 'no request failed',
      figures: `${seen.requests.sent} sent, ${seen.requests.failed} failed (2.0.0: ${countOf(v2)}; 3.0.0: ${countOf(v3)})`,
      kept: seen.requests.failed === 0 && v2.requests.sent > 0 && v3.requests.sent > 0,
    },
    {
      promise: `never more than ${limit} of ${seen.capacity} instances down`,
      figures: `at most ${seen.mostDown.length} at any instant, in ${seen.samples} looks`,
      kept: seen.mostDown.length <= limit && seen.samples > 0,
    },
    {
      promise: 'no entry lost',
      figures: `${seen.entriesWritten} written, ${seen.lost.length} not read back from their own instance`,
      kept: seen.lost.length === 0 && seen.entriesWritten > 0,
    },
    {
      promise: 'data disks kept as they were',
      figures: `${files} file hashes compared, ${changed.length} differ; ${v2.swaps + v3.swaps} swaps reported, ${otherDisks.length} with another disk`,
      kept: changed.length === 0 && otherDisks.length === 0 && v2.filesBefore > 0 && v2.swaps > 0,
    },
    {
      promise: 'version 2.0.0 reached every instance',
      figures: `${onVersion(v2.versionsAfter, '2.0.0')} of ${seen.capacity} on 2.0.0, ship ended with ${v2.shipExitCode}`,
      kept: v2.shipExitCode === 0 && onVersion(v2.versionsAfter, '2.0.0') === seen.capacity,
    },
    {
      promise: 'version 3.0.0 was caught and undone',
      figures: restoreSentence(v3.restore, v3.shipExitCode),
      kept: v3.shipExitCode === 2 && v3.restore !== undefined,
    },
    {
      promise: 'the fleet ended on 2.0.0',
      figures: Object.entries(seen.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
      kept: onVersion(seen.versions, '2.0.0') === seen.capacity,
    },
  ];
}

/** The one JSON object of `--output json`, as the command-line contract says. */
export function toResult(seen: Observations): Record<string, unknown> {
  const { v2, v3 } = seen;
  return {
    seconds: seen.seconds,
    phases: seen.phases,
    requests: seen.requests,
    maxShareDownPercent: (100 * seen.mostDown.length) / seen.capacity,
    entriesWritten: seen.entriesWritten,
    entriesLost: seen.lost.length,
    dataDisksIdentical: [v2, v3].every(
      (rollOut) => rollOut.changedFiles.length === 0 && rollOut.swapsWithOtherDisks.length === 0,
    ),
    v2: { instancesOnVersion: onVersion(v2.versionsAfter, '2.0.0') },
    v3: {
      detected: v3.restore !== undefined,
      rolledBack: v3.shipExitCode === 2 && onVersion(seen.versions, '3.0.0') === 0,
      fleetVersion: commonVersion(seen.versions),
    },
  };
}

function countOf({ requests }: RollOut): string {
  return `${requests.failed} of ${requests.sent}`;
}

function onVersion(versions: Readonly<Record<string, string>>, version: string): number {
  return Object.values(versions).filter((found) => found === version).length;
}

/** The version all instances run; null when they differ. */
function commonVersion(versions: Readonly<Record<string, string>>): string | null {
  const [first, ...others] = new Set(Object.values(versions));
  return first !== undefined && others.length === 0 ? first : null;
}

function restoreSentence(restore: Restore | undefined, shipExitCode: number): string {
  if (restore === undefined) return `no instance was restored, ship ended with ${shipExitCode}`;
  const { instance, batch, detectedAfterSeconds, healthyAgainAfterSeconds, reason } = restore;
  return `${instance}, batch ${batch}: given up after ${detectedAfterSeconds.toFixed(1)} s (${reason}), healthy on its old disk ${healthyAgainAfterSeconds.toFixed(1)} s later`;
}
