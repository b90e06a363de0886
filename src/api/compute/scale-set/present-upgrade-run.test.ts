// From run rows to rollingUpgrades/latest and osUpgradeHistory.
import { expect, test } from 'vitest';
import { asResourceId } from '../../../model/resource-id.ts';
import type { UpgradeRunRow } from '../../../model/scale-set.ts';
import { latestRun, toOsUpgradeHistory, toRollingUpgrade } from './present-upgrade-run.ts';
import { DEFINITION, SCALE_SET } from './testing.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const NOW = Date.parse('2026-03-02T12:00:00.000Z');

function run(daysAgo: number, change: Partial<UpgradeRunRow> = {}): UpgradeRunRow {
  const startTime = new Date(NOW - daysAgo * DAY_MS).toISOString();
  const upgrade = (outcome: UpgradeRunRow['instances'][string]['outcome']) => ({
    outcome,
    batch: 1,
    fromVersion: '1.0.0',
    startedAt: startTime,
  });
  return {
    runId: `run-${daysAgo}`,
    scaleSetId: asResourceId(SCALE_SET),
    startedBy: 'User',
    state: 'Completed',
    targetVersion: '1.1.0',
    targetVersionId: asResourceId(`${DEFINITION}/versions/1.1.0`),
    targetImage: {
      layers: [],
      boot: { kernel: 'k', modules: 'm', release: 'r' },
      osDiskSizeBytes: 1,
    },
    targetTags: {},
    policy: {
      maxBatchInstancePercent: 40,
      maxUnhealthyInstancePercent: 50,
      maxUnhealthyUpgradedInstancePercent: 0,
      pauseTimeBetweenBatchesMs: 0,
      prioritizeUnhealthyInstances: true,
    },
    rolloutPolicy: { healthTimeoutMs: 1, drainMs: 1 },
    disableAutomaticRollback: false,
    startTime,
    lastAction: 'Start',
    lastActionTime: startTime,
    cancelRequested: false,
    batches: [],
    instances: {
      '0': upgrade('upgraded'),
      '1': upgrade('upgrading'),
      '2': upgrade('restoring'),
      '3': upgrade('restored'),
      '4': upgrade('failed'),
    },
    pendingInstanceIds: ['5', '6'],
    reason: '',
    ...change,
  };
}

test('the latest run with the policy in force and its progress', () => {
  expect(toRollingUpgrade(run(0), 'westus')).toEqual({
    id: `${SCALE_SET}/rollingUpgrades/latest`,
    name: 'latest',
    type: 'Microsoft.Compute/virtualMachineScaleSets/rollingUpgrades',
    location: 'westus',
    properties: {
      policy: {
        maxBatchInstancePercent: 40,
        maxUnhealthyInstancePercent: 50,
        maxUnhealthyUpgradedInstancePercent: 0,
        pauseTimeBetweenBatches: 'PT0S',
        enableCrossZoneUpgrade: false,
        prioritizeUnhealthyInstances: true,
        rollbackFailedInstancesOnPolicyBreach: false,
        maxSurge: false,
      },
      runningStatus: {
        code: 'Completed',
        startTime: '2026-03-02T12:00:00.000Z',
        lastAction: 'Start',
        lastActionTime: '2026-03-02T12:00:00.000Z',
      },
      progress: {
        successfulInstanceCount: 1,
        failedInstanceCount: 2,
        inProgressInstanceCount: 2,
        pendingInstanceCount: 2,
      },
    },
  });
});

test('a faulted run carries its error and its rollback', () => {
  const error = {
    code: 'MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade',
    message: 'm',
  };
  const rollbackInfo = { successfullyRolledbackInstanceCount: 1, failedRolledbackInstanceCount: 0 };
  const faulted = run(1, {
    state: 'Faulted',
    startedBy: 'Platform',
    endTime: '2026-03-01T12:09:00.000Z',
    error,
    rollbackInfo,
  });
  expect(toOsUpgradeHistory([faulted], 'westus', NOW)).toMatchObject([
    {
      type: 'Microsoft.Compute/virtualMachineScaleSets/osUpgradeHistory',
      properties: {
        runningStatus: { code: 'Faulted', endTime: '2026-03-01T12:09:00.000Z' },
        startedBy: 'Platform',
        targetImageReference: { id: DEFINITION, exactVersion: '1.1.0' },
        rollbackInfo,
        error,
      },
    },
  ]);
});

test('history: the last five within two months, the newest first', () => {
  const runs = [3, 90, 1, 20, 7, 2, 5].map((days) => run(days));
  const times = toOsUpgradeHistory(runs, 'westus', NOW).map(
    ({ properties }) =>
      (properties as { runningStatus: { startTime: string } }).runningStatus.startTime,
  );
  expect(times).toEqual([1, 2, 3, 5, 7].map((days) => run(days).startTime));
  expect(latestRun(runs)?.runId).toBe('run-1');
  expect(latestRun([])).toBeUndefined();
});
