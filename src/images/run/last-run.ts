// How a run shows in the store: the template's lastRun, the run report, the operation's end. Pure
// writes; whoever has them commits them.
import { endOperation, type OperationOutcome } from '../../operations/operations.ts';
import type { ResourceRow } from '../../model/resource.ts';
import { replace } from '../../store/replace.ts';
import type { Put, Stored, Write } from '../../store/store.ts';
import { isoTime } from '../../support/clock.ts';
import type { RunSubState } from './plan.ts';
import { reportPut, type RunReport } from './report.ts';

/** `properties.lastRunStatus`, kept in the row's `internal`. */
export type LastRun = {
  readonly operationId: string;
  readonly runState: 'Running' | 'Canceling' | 'Succeeded' | 'Failed' | 'Canceled';
  /** Absent once the run has ended, as on Azure. */
  readonly runSubState?: RunSubState;
  readonly message: string;
  readonly startTime: string;
  readonly endTime?: string;
};

export type RunEnding = {
  readonly outcome: OperationOutcome;
  readonly report: RunReport;
  readonly message: string;
};

export type RunRows = {
  readonly operation: Stored<'operation'>;
  /** Open `imageTemplate.cancel` operations of the template: they end with the run. */
  readonly cancels: readonly Stored<'operation'>[];
  /** Absent when the template is gone. */
  readonly template: Stored<'resource'> | undefined;
};

export function readLastRun(template: ResourceRow): Partial<LastRun> {
  const lastRun = template.internal['lastRun'];
  // Written only by `lastRunPut`.
  return typeof lastRun === 'object' && lastRun !== null ? (lastRun as Partial<LastRun>) : {};
}

/** True when the run had left the queue: what it did then must be undone after a crash. */
export function hasBegun(template: ResourceRow, operationId: string): boolean {
  const lastRun = readLastRun(template);
  return lastRun.operationId === operationId && lastRun.runSubState !== 'Queued';
}

export function lastRunPut(template: Stored<'resource'>, lastRun: LastRun): Put<'resource'> {
  const internal = { ...template.body.internal, lastRun: { ...lastRun } };
  return replace(template, { ...template.body, internal });
}

/** The end of a run, whole: operation, cancel operations, lastRun and report. */
export function runEndWrites(rows: RunRows, ending: RunEnding, nowMs: number): Write[] {
  const { cancels, operation, template } = rows;
  const { message, outcome, report } = ending;
  const now = isoTime(nowMs);
  const ends: Write[] = [
    endOperation(operation, outcome, nowMs),
    ...cancels.map((cancel) => endOperation(cancel, { status: 'Succeeded' }, nowMs)),
  ];
  if (template === undefined) return ends;
  const before = readLastRun(template.body);
  const startTime =
    before.operationId === operation.key
      ? (before.startTime ?? operation.body.startTime)
      : operation.body.startTime;
  const lastRun: LastRun = {
    operationId: operation.key,
    runState: outcome.status,
    message,
    startTime,
    endTime: now,
  };
  return [
    ...ends,
    lastRunPut(template, lastRun),
    reportPut(template.body.id, { ...report, state: outcome.status, ...errorOf(outcome) }, now),
  ];
}

function errorOf(outcome: OperationOutcome): Pick<RunReport, 'error'> {
  if (outcome.status === 'Succeeded') return {};
  const { code, message } = outcome.error;
  return { error: { code, message } };
}
