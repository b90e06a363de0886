// The machine-readable results of bake and ship: a contract, see docs. Pure.
import type { JsonObject } from '../../model/resource.ts';
import type { RollOutEnd } from './roll-out.ts';
import { secondsBetween, stepResults } from './run-report.ts';
import type { RunReport } from './run-report.ts';

/** `{version, seconds, steps:[{name, seconds, cached}], layerBytes, versionId}` */
export type BakeResult = JsonObject & { readonly version: string; readonly seconds: number };

export function bakeResult(input: {
  readonly version: string;
  readonly versionId: string;
  readonly report: RunReport | undefined;
  readonly ms: number;
}): BakeResult {
  const { version, versionId, report, ms } = input;
  return {
    version,
    seconds: Math.round(ms / 100) / 10,
    steps: stepResults(report),
    layerBytes: report?.layerBytes ?? null,
    versionId: report?.versionId ?? versionId,
  };
}

/**
 * Adds `upgrade`. A first ship has no rolling upgrade: it counts as Completed without batches, in
 * the time that its instances needed to become healthy.
 */
export function shipResult(baked: BakeResult, end: RollOutEnd, ms: number): JsonObject {
  const run = end.status?.run?.targetVersion === baked.version ? end.status.run : undefined;
  const outcomes = Object.values(run?.instances ?? {}).map(({ outcome }) => outcome);
  const ended = run?.endTime ? secondsBetween(run.startTime, run.endTime) : undefined;
  const withoutRun = end.verdict.kind === 'reached' ? 'Completed' : 'Faulted';
  return {
    ...baked,
    upgrade: {
      state: run?.state ?? withoutRun,
      batches: run?.batches.length ?? 0,
      seconds: ended ?? Math.round(ms / 100) / 10,
      failedInstances: outcomes.filter((outcome) => outcome === 'failed').length,
      rolledBackInstances: outcomes.filter((outcome) => outcome === 'restored').length,
    },
  };
}
