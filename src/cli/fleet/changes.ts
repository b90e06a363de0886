// Where lines cannot be redrawn: what changed from one status to the next, a line each. Pure.
import { cellState } from './cells.ts';
import { elapsed, reasonOf, targetOf } from './render.ts';
import type { FleetStatus, InstanceState } from './status.ts';

/** Lines such as `batch 2: guestbook_1` and `guestbook_1 booting 1.1.0`. */
export function describeChanges(
  before: FleetStatus | undefined,
  after: FleetStatus,
  options: { target?: string; now: number },
): string[] {
  return [
    ...batchChanges(before, after),
    ...instanceChanges(before, after, options),
    ...runChanges(before, after, options.now),
  ];
}

function batchChanges(before: FleetStatus | undefined, after: FleetStatus): string[] {
  const { run } = after;
  if (!run) return [];
  const known = before?.run?.runId === run.runId ? before.run.batches.length : 0;
  const names = new Map(after.instances.map(({ instanceId, name }) => [instanceId, name]));
  const started =
    before?.run?.runId === run.runId ? [] : [`upgrade to ${run.targetVersion} started`];
  return [
    ...started,
    ...run.batches
      .slice(known)
      .map(
        ({ number, instanceIds }) =>
          `batch ${number}: ${instanceIds.map((id) => names.get(id) ?? id).join(', ')}`,
      ),
  ];
}

function instanceChanges(
  before: FleetStatus | undefined,
  after: FleetStatus,
  options: { target?: string },
): string[] {
  const previous = new Map(
    before?.instances.map((each) => [each.instanceId, show(each, before, options)]),
  );
  const gone = (before?.instances ?? [])
    .filter(({ instanceId }) => !after.instances.some((each) => each.instanceId === instanceId))
    .map(({ name }) => `${name} gone`);
  const changed = after.instances.flatMap((each) => {
    const now = show(each, after, options);
    // The first look tells what is under way; the rest of the fleet is as it was.
    const isNews =
      before === undefined ? !now.startsWith('old') : previous.get(each.instanceId) !== now;
    return isNews ? [`${each.name} ${now}`] : [];
  });
  return [...changed, ...gone];
}

function show(instance: InstanceState, status: FleetStatus, options: { target?: string }): string {
  const state = cellState(instance, status, targetOf(status, options));
  const version = instance.version ?? '';
  const isBad = state === 'failed' || state === 'unhealthy' || state === 'restoring';
  const why = isBad
    ? (status.run?.instances[instance.instanceId]?.reason ?? reasonOf(instance))
    : '';
  return `${state}${version === '' ? '' : ` ${version}`}${why === '' ? '' : ` (${why})`}`;
}

function runChanges(before: FleetStatus | undefined, after: FleetStatus, now: number): string[] {
  const { run } = after;
  if (!run || run.state === 'RollingForward') return [];
  const isNews = before?.run?.runId !== run.runId || before.run.state !== run.state;
  if (!isNews || before === undefined) return [];
  const error = run.error ? `: ${run.error.message} (${run.error.code})` : '';
  return [
    `upgrade to ${run.targetVersion} ${run.state} after ${elapsed(run.startTime, run.endTime, now)}${error}`,
  ];
}
