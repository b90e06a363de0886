// A rolling upgrade run as Azure shows it: rollingUpgrades/latest and osUpgradeHistory. Pure.
import { parseGalleryImageId } from '../../../model/gallery-image-id.ts';
import { childId } from '../../../model/resource-id.ts';
import type { JsonObject } from '../../../model/resource.ts';
import type { InstanceUpgrade, UpgradeRunRow } from '../../../model/scale-set.ts';
import { toIsoDuration } from '../../arm/iso-duration.ts';

/** Azure keeps the last five attempts within two months. */
const HISTORY_LENGTH = 5;
const HISTORY_MS = 61 * 24 * 60 * 60 * 1000;

export function latestRun(runs: readonly UpgradeRunRow[]): UpgradeRunRow | undefined {
  return newestFirst(runs)[0];
}

/** `GET …/rollingUpgrades/latest`. Azure omits id and name, which breaks its .NET client; we do not. */
export function toRollingUpgrade(run: UpgradeRunRow, location: string): JsonObject {
  return {
    id: childId(run.scaleSetId, 'rollingUpgrades', 'latest'),
    name: 'latest',
    type: 'Microsoft.Compute/virtualMachineScaleSets/rollingUpgrades',
    location,
    properties: {
      policy: toPolicy(run),
      runningStatus: {
        code: run.state,
        startTime: run.startTime,
        lastAction: run.lastAction,
        lastActionTime: run.lastActionTime,
      },
      progress: toProgress(run),
      ...errorOf(run),
    },
  };
}

/** The `value` of `GET …/osUpgradeHistory`, newest first. */
export function toOsUpgradeHistory(
  runs: readonly UpgradeRunRow[],
  location: string,
  nowMs: number,
): JsonObject[] {
  return newestFirst(runs)
    .filter(({ startTime }) => nowMs - Date.parse(startTime) <= HISTORY_MS)
    .slice(0, HISTORY_LENGTH)
    .map((run) => ({
      type: 'Microsoft.Compute/virtualMachineScaleSets/osUpgradeHistory',
      location,
      properties: {
        runningStatus: {
          code: run.state,
          startTime: run.startTime,
          ...(run.endTime === undefined ? {} : { endTime: run.endTime }),
        },
        progress: toProgress(run),
        startedBy: run.startedBy,
        targetImageReference: toImageReference(run),
        ...(run.rollbackInfo === undefined ? {} : { rollbackInfo: { ...run.rollbackInfo } }),
        ...errorOf(run),
      },
    }));
}

function newestFirst(runs: readonly UpgradeRunRow[]): UpgradeRunRow[] {
  return runs.toSorted((a, b) => (a.startTime < b.startTime ? 1 : -1));
}

function toPolicy({ policy }: UpgradeRunRow): JsonObject {
  return {
    maxBatchInstancePercent: policy.maxBatchInstancePercent,
    maxUnhealthyInstancePercent: policy.maxUnhealthyInstancePercent,
    maxUnhealthyUpgradedInstancePercent: policy.maxUnhealthyUpgradedInstancePercent,
    pauseTimeBetweenBatches: toIsoDuration(policy.pauseTimeBetweenBatchesMs),
    enableCrossZoneUpgrade: false,
    prioritizeUnhealthyInstances: policy.prioritizeUnhealthyInstances,
    rollbackFailedInstancesOnPolicyBreach: false,
    maxSurge: false,
  };
}

function toProgress(run: UpgradeRunRow): JsonObject {
  const count = (...outcomes: InstanceUpgrade['outcome'][]) =>
    Object.values(run.instances).filter(({ outcome }) => outcomes.includes(outcome)).length;
  return {
    successfulInstanceCount: count('upgraded'),
    // Restored ones are back on the old version: for this run they failed.
    failedInstanceCount: count('failed', 'restored'),
    inProgressInstanceCount: count('upgrading', 'restoring'),
    pendingInstanceCount: run.pendingInstanceIds.length,
  };
}

function toImageReference({ targetVersion, targetVersionId }: UpgradeRunRow): JsonObject {
  const image = parseGalleryImageId(targetVersionId);
  return { id: image?.definitionId ?? targetVersionId, exactVersion: targetVersion };
}

function errorOf({ error }: UpgradeRunRow): JsonObject {
  return error === undefined ? {} : { error: { code: error.code, message: error.message } };
}
