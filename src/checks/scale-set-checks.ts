// Invariants over the rows of one scale set, as they may be read at any instant. Pure.
import type {
  InstanceOsDisk,
  InstanceRow,
  InstanceStatusRow,
  UpgradeRunRow,
} from '../model/scale-set.ts';
import type { Finding } from './finding.ts';

type OsDiskFacts = Pick<InstanceOsDisk, 'diskId' | 'version'>;

/** The parts of the rows that the checks read; whole rows fit as they are. */
export type ScaleSetRows = {
  readonly instances: readonly (Pick<
    InstanceRow,
    'instanceId' | 'vmId' | 'wanted' | 'osDiskReason'
  > & { readonly osDisk: OsDiskFacts; readonly previousOsDisk?: OsDiskFacts })[];
  readonly statuses: readonly Pick<
    InstanceStatusRow,
    'instanceId' | 'diskId' | 'health' | 'balancer'
  >[];
  readonly runs: readonly Pick<
    UpgradeRunRow,
    'runId' | 'state' | 'startTime' | 'endTime' | 'batches' | 'instances'
  >[];
  readonly quarantines: readonly { readonly version: string; readonly since: string }[];
};

export function checkScaleSetRows(rows: ScaleSetRows): Finding[] {
  return [
    ...checkUnique('instance ids unique', 'instance id', instanceIds(rows)),
    ...checkUnique(
      'instance ids unique',
      'VM',
      rows.instances.map(({ vmId }) => vmId),
    ),
    ...checkUnique('disk ids unique', 'OS disk', diskIds(rows)),
    ...checkOneRun(rows),
    ...rows.runs.flatMap(checkRun),
    ...checkQuarantines(rows),
  ];
}

/**
 * `instanceCount` is N as it was when the batch in flight was planned: scale-in during a batch makes
 * the next one smaller, not this one.
 */
export function checkDownBecauseOfUs(
  rows: ScaleSetRows,
  instanceCount: number,
  maxBatchInstancePercent: number,
): Finding[] {
  const share = Math.floor((instanceCount * maxBatchInstancePercent) / 100);
  const limit = share < 1 ? 1 : share;
  const down = downBySwap(rows);
  if (down.length <= limit) return [];
  const sentence = `${down.length} instances are down because of us (${down.join(', ')}), limit ${limit} of ${instanceCount}.`;
  return [{ check: 'down because of us', sentence }];
}

/** Between two readings an instance may only go when it was wanted deleted. */
export function checkNoneLost(before: ScaleSetRows, after: ScaleSetRows): Finding[] {
  const still = new Set(instanceIds(after));
  return before.instances
    .filter(({ wanted, instanceId }) => wanted === 'present' && !still.has(instanceId))
    .map(({ instanceId }) => ({
      check: 'no instance lost',
      sentence: `Instance ${instanceId} was wanted and is not there any more.`,
    }));
}

/** From leaving the balancer to Healthy on the wanted disk; new instances were never up before. */
function downBySwap(rows: ScaleSetRows): string[] {
  const statuses = new Map(rows.statuses.map((status) => [status.instanceId, status]));
  return rows.instances
    .filter(({ wanted, osDiskReason }) => wanted === 'present' && osDiskReason.kind !== 'create')
    .filter(({ instanceId }) => inFlight(rows, instanceId))
    .filter(({ instanceId, osDisk }) => {
      const status = statuses.get(instanceId);
      const serves = status?.balancer === 'ready' || status?.balancer === 'none';
      const servesOld = status?.diskId !== osDisk.diskId && status?.balancer === 'ready';
      const servesNew = status?.diskId === osDisk.diskId && status.health === 'Healthy' && serves;
      return !servesOld && !servesNew;
    })
    .map(({ instanceId }) => instanceId);
}

function inFlight(rows: ScaleSetRows, instanceId: string): boolean {
  return rows.runs.some((run) => isInFlight(run.instances[instanceId]?.outcome));
}

function checkUnique(check: string, what: string, ids: readonly string[]): Finding[] {
  const twice = new Set(ids.filter((id, i) => ids.indexOf(id) !== i));
  return [...twice].map((id) => ({ check, sentence: `The ${what} ${id} is there twice.` }));
}

function checkOneRun(rows: ScaleSetRows): Finding[] {
  const running = rows.runs.filter(({ state }) => state === 'RollingForward');
  if (running.length <= 1) return [];
  const sentence = `${running.length} runs roll forward at once: ${running.map(({ runId }) => runId).join(', ')}.`;
  return [{ check: 'one batch at a time', sentence }];
}

function checkRun(run: ScaleSetRows['runs'][number]): Finding[] {
  const findings: Finding[] = [];
  const open = run.batches.filter(({ endedAt }) => endedAt === undefined);
  const busy = Object.entries(run.instances).filter(([, { outcome }]) => isInFlight(outcome));
  if (open.length > 1) {
    const sentence = `Run ${run.runId} has ${open.length} open batches.`;
    findings.push({ check: 'one batch at a time', sentence });
  }
  const members = new Set(open.flatMap(({ instanceIds }) => instanceIds));
  for (const [id] of busy.filter(([each]) => !members.has(each))) {
    const sentence = `Run ${run.runId}: instance ${id} is in flight outside the open batch.`;
    findings.push({ check: 'one batch at a time', sentence });
  }
  const over = run.state !== 'RollingForward';
  if (over !== (run.endTime !== undefined)) {
    const sentence = `Run ${run.runId} is ${run.state} with endTime ${run.endTime ?? 'absent'}.`;
    findings.push({ check: 'run ends whole', sentence });
  }
  if (over && (open.length > 0 || busy.length > 0)) {
    const sentence = `Run ${run.runId} is ${run.state} with ${open.length} open batches and ${busy.length} instances in flight.`;
    findings.push({ check: 'run ends whole', sentence });
  }
  return findings;
}

/** A restore may bring any version back; everything else must not begin with a quarantined one. */
function checkQuarantines(rows: ScaleSetRows): Finding[] {
  return rows.quarantines.flatMap(({ version, since }) =>
    rows.instances
      .filter(({ osDisk }) => osDisk.version === version)
      .filter(({ osDiskReason: { kind, at } }) => kind !== 'restore' && at > since)
      .map(({ instanceId, osDiskReason }) => ({
        check: 'quarantine holds',
        sentence: `Instance ${instanceId} got ${version} by ${osDiskReason.kind} at ${osDiskReason.at}, quarantined since ${since}.`,
      })),
  );
}

function isInFlight(outcome: string | undefined): boolean {
  return outcome === 'upgrading' || outcome === 'restoring';
}

function instanceIds(rows: ScaleSetRows): string[] {
  return rows.instances.map(({ instanceId }) => instanceId);
}

function diskIds(rows: ScaleSetRows): string[] {
  return rows.instances.flatMap(({ osDisk, previousOsDisk }) =>
    previousOsDisk === undefined ? [osDisk.diskId] : [osDisk.diskId, previousOsDisk.diskId],
  );
}
