// Draws a fleet: one line per batch, one cell per VM. Pure: (status, time) to lines.
import { formatDuration } from '../pipeline/units.ts';
import type { Paint } from '../terminal/paint.ts';
import { visibleLength } from '../terminal/paint.ts';
import { cell, cellState, legend } from './cells.ts';
import type { CellState } from './cells.ts';
import { presentInstances } from './status.ts';
import type { FleetStatus, InstanceState, UpgradeRun } from './status.ts';

export type RenderOptions = {
  readonly paint: Paint;
  readonly now: number;
  /** The version being shipped; the run's target, or the latest, when absent. */
  readonly target?: string;
};

/** Waits shown in full; a fleet of a hundred does not need a hundred sentences. */
const WAITS_SHOWN = 5;

/** The picture that `ship` and `watch` redraw. */
export function renderRollout(status: FleetStatus, options: RenderOptions): string[] {
  const { paint } = options;
  const target = targetOf(status, options);
  const run = runTo(status, target);
  const states = new Map(
    status.instances.map((each) => [each.instanceId, cellState(each, status, target)] as const),
  );
  const draw = (instances: readonly InstanceState[]) =>
    instances.map((each) => cell(each, states.get(each.instanceId) ?? 'booting', paint)).join(' ');
  return [
    headline(status, run, options),
    ...table(rowsOf(status, run, draw, options)),
    `  ${legend([...states.values()], paint)}`,
    ...waits(status, run, states, paint),
  ];
}

function runTo(status: FleetStatus, target: string | undefined): UpgradeRun | undefined {
  const { run } = status;
  return run && run.targetVersion === target ? run : undefined;
}

export function targetOf(status: FleetStatus, options: { target?: string }): string | undefined {
  if (options.target !== undefined) return options.target;
  const { run } = status;
  if (run?.state === 'RollingForward') return run.targetVersion;
  return status.versions.latest ?? undefined;
}

export function healthyOn(status: FleetStatus, version: string | undefined): number {
  return presentInstances(status).filter(
    (each) => each.health === 'Healthy' && (version === undefined || each.version === version),
  ).length;
}

function headline(
  status: FleetStatus,
  run: UpgradeRun | undefined,
  options: RenderOptions,
): string {
  const { paint } = options;
  const target = targetOf(status, options);
  const count = `${healthyOn(status, target)} of ${status.capacity} healthy on ${target ?? 'any version'}`;
  if (run === undefined) return `${paint('bold', target ?? 'no version')}  ${count}`;
  const from = [...new Set(Object.values(run.instances).map((each) => each.fromVersion))]
    .filter((version) => version && version !== run.targetVersion)
    .join(', ');
  const title = from === '' ? run.targetVersion : `${from} → ${run.targetVersion}`;
  const colour = { Completed: 'green', Faulted: 'red', Cancelled: 'yellow' }[run.state] ?? 'cyan';
  const state = paint(colour as Parameters<Paint>[0], run.state);
  return `${paint('bold', title)}  ${state}  ${count}  ${paint('dim', elapsed(run.startTime, run.endTime, options.now))}`;
}

type Row = { readonly label: string; readonly cells: string; readonly note: string };

function rowsOf(
  status: FleetStatus,
  run: UpgradeRun | undefined,
  draw: (instances: readonly InstanceState[]) => string,
  { paint, now }: RenderOptions,
): Row[] {
  if (run === undefined) return [{ label: 'fleet', cells: draw(status.instances), note: '' }];
  const byId = new Map(status.instances.map((each) => [each.instanceId, each]));
  const batched = new Set(run.batches.flatMap(({ instanceIds }) => instanceIds));
  const batches = run.batches.map((batch) => ({
    label: `batch ${batch.number}`,
    cells: draw(batch.instanceIds.flatMap((id) => byId.get(id) ?? [])),
    note: paint('dim', elapsed(batch.startedAt, batch.endedAt, now)),
  }));
  const rest = status.instances.filter(({ instanceId }) => !batched.has(instanceId));
  const label = run.state === 'RollingForward' ? 'to come' : 'untouched';
  return rest.length === 0 ? batches : [...batches, { label, cells: draw(rest), note: '' }];
}

function table(rows: readonly Row[]): string[] {
  const labelWidth = Math.max(...rows.map(({ label }) => label.length));
  const cellsWidth = Math.max(...rows.map(({ cells }) => visibleLength(cells)));
  return rows.map(({ label, cells, note }) => {
    const padding = note === '' ? '' : ' '.repeat(cellsWidth - visibleLength(cells) + 2);
    return `  ${label.padEnd(labelWidth)}  ${cells}${padding}${note}`;
  });
}

function waits(
  status: FleetStatus,
  run: UpgradeRun | undefined,
  states: ReadonlyMap<string, CellState>,
  paint: Paint,
): string[] {
  const lines: string[] = [];
  if (run?.error) lines.push(paint('red', `  ${run.error.code}: ${run.error.message}`));
  else if (run !== undefined && run.reason !== '') lines.push(paint('dim', `  ${run.reason}`));
  const waiting = status.instances.filter(
    (each) =>
      !['old', 'healthy'].includes(states.get(each.instanceId) ?? '') && reasonOf(each) !== '',
  );
  for (const each of waiting.slice(0, WAITS_SHOWN)) {
    lines.push(paint('dim', `  ${each.name}: ${reasonOf(each)}`));
  }
  const more = waiting.length - WAITS_SHOWN;
  if (more > 0) lines.push(paint('dim', `  and ${more} more`));
  return lines;
}

/** Why an instance is not as wanted; empty when it is. */
export function reasonOf(instance: InstanceState): string {
  const { health, healthReason, waitingFor, power } = instance;
  // Of a VM that runs but does not answer well, the answer says more than the wait for a better one.
  if (power === 'running' && health === 'Unhealthy' && healthReason !== '') {
    return `${health}: ${healthReason}`;
  }
  if (waitingFor !== '' || health === 'Healthy') return waitingFor;
  return healthReason === '' ? health : `${health}: ${healthReason}`;
}

/** `http://127.77.0.2:8080`, or address and port of what is not HTTP. */
export function addressesOf(status: FleetStatus): string[] {
  return status.frontends.map(({ address, port, mode }) =>
    mode === 'tcp' ? `${address}:${port}` : `http://${address}:${port}`,
  );
}

/** `12.3s`, from a start to an end or to now. */
export function elapsed(start: string, end: string | null | undefined, now: number): string {
  const ms = (end ? Date.parse(end) : now) - Date.parse(start);
  return formatDuration(
    Math.max(0, ms < 60_000 ? Math.round(ms / 100) * 100 : Math.round(ms / 1000) * 1000),
  );
}
