// Follows one run of an image template to its end: steps with their times, the live log, cancel.
import type { Clock } from '../../support/clock.ts';
import type { ArmClient, Operation, OperationState } from '../client/arm-client.ts';
import type { BlobClient } from '../client/blob-client.ts';
import { ArmRequestError } from '../client/errors.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';
import type { Output } from '../terminal/output.ts';
import type { Interrupt } from './interrupt.ts';
import { CANCEL_WAIT_MS, LOG_LINES_SHOWN } from './limits.ts';
import { describeSteps, failedStep, parseRunReport, renderSteps } from './run-report.ts';
import type { RunReport } from './run-report.ts';

export type BakeParts = {
  readonly arm: ArmClient;
  readonly blobs: BlobClient;
  readonly clock: Clock;
  readonly output: Output;
  readonly interrupt: Interrupt;
};

export type Bake = { readonly templateId: string; readonly version: string };

/**
 * Resolves when the version is published. Throws CommandFailure: a failed bake with the step and
 * its last lines, or after Ctrl-C what became of the bake.
 */
export async function followBake(
  bake: Bake,
  operation: Pick<Operation, 'poll'>,
  parts: BakeParts,
): Promise<RunReport | undefined> {
  const { interrupt, arm } = parts;
  const view = new BakeView(bake, parts);
  for (;;) {
    const state = await operation.poll();
    await view.refresh();
    if (state.status !== 'InProgress') {
      view.end();
      if (state.status === 'Succeeded') return view.report;
      throw bakeFailure(bake, state, view.report);
    }
    if (interrupt.requested) {
      view.end();
      throw await cancelBake(bake, operation, parts);
    }
    await interrupt.cutShort((signal) => arm.pause(signal));
  }
}

function bakeFailure(
  { version }: Bake,
  state: Extract<OperationState, { error: unknown }>,
  report: RunReport | undefined,
): CommandFailure {
  const step = failedStep(report);
  const lines = (step?.lastLines ?? []).map((line) => `  | ${line}`);
  const log = report?.logUri ? `the whole log: ${report.logUri.split('?')[0]}` : undefined;
  const word = state.status === 'Canceled' ? 'was canceled' : 'failed';
  const sentence = `the bake of ${version} ${word}: ${state.error.message}`;
  return new CommandFailure([sentence, ...lines, ...(log ? [log] : [])].join('\n'), {
    cause: state.error,
  });
}

async function cancelBake(
  { templateId, version }: Bake,
  operation: Pick<Operation, 'poll'>,
  { arm, clock, output }: BakeParts,
): Promise<CommandFailure> {
  const interrupted = (sentence: string) =>
    new CommandFailure(sentence, { exitCode: EXIT.interrupted });
  output.line(`canceling the bake of ${version} (Ctrl-C again leaves at once)`);
  const apiVersion = API_VERSIONS.imageTemplate;
  try {
    await arm.begin({ method: 'POST', path: `${templateId}/cancel`, apiVersion });
  } catch (error) {
    // Refused when the run has just ended: how, is what the next look tells.
    if (!(error instanceof ArmRequestError)) throw error;
  }
  const until = clock.now() + CANCEL_WAIT_MS;
  while (clock.now() < until) {
    const { status } = await operation.poll();
    if (status === 'Succeeded') {
      return interrupted(
        `version ${version} was published before the cancel arrived: a fleet that follows the image takes it, see \`rollset watch\``,
      );
    }
    if (status !== 'InProgress') {
      return interrupted(
        `the bake of ${version} is canceled: nothing was published, ship again at will`,
      );
    }
    await arm.pause();
  }
  return interrupted(
    `the bake of ${version} was asked to stop and has not in ${CANCEL_WAIT_MS / 1000} s: it ends by itself, nothing is published`,
  );
}

/** Shows the run report: redrawn on a terminal with the log's last lines, else line by line. */
class BakeView {
  readonly #bake: Bake;
  readonly #parts: BakeParts;
  readonly #startedAt: number;
  #shown: RunReport | undefined;
  #logOffset = 0;
  #logRest = '';
  #logTail: string[] = [];

  constructor(bake: Bake, parts: BakeParts) {
    this.#bake = bake;
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
  }

  get report(): RunReport | undefined {
    return this.#shown;
  }

  async refresh(): Promise<void> {
    const { arm, clock, output } = this.#parts;
    const path = `${this.#bake.templateId}/providers/Rollset.Fleet/runReports/latest`;
    const body = await arm.find(path, API_VERSIONS.fleet);
    if (body === undefined) return;
    const report = parseRunReport(body);
    const now = clock.now();
    if (!output.isLive) for (const line of describeSteps(this.#shown, report, now)) this.#say(line);
    this.#shown = report;
    await this.#readLog(report);
    if (output.isLive) this.#draw(report, now);
  }

  /** The last line of a log may have no end. */
  end(): void {
    const { output } = this.#parts;
    if (this.#logRest !== '') this.#logLine(this.#logRest);
    this.#logRest = '';
    if (!output.isLive || this.#shown === undefined) return;
    this.#logTail = [];
    this.#draw(this.#shown, this.#parts.clock.now());
    output.keepLive();
  }

  #draw(report: RunReport, now: number): void {
    const { output } = this.#parts;
    const tail = this.#logTail.map((line) => output.paint('dim', `    ${line}`));
    output.live([...renderSteps(report, now, output.paint), ...tail]);
  }

  async #readLog(report: RunReport): Promise<void> {
    if (!report.logUri) return;
    const bytes = await this.#parts.blobs.readFrom(report.logUri, this.#logOffset);
    this.#logOffset += bytes.length;
    const lines = (this.#logRest + bytes.toString('utf8')).split(/\r?\n/);
    this.#logRest = lines.pop() ?? '';
    for (const line of lines) this.#logLine(line);
  }

  #logLine(line: string): void {
    const { output } = this.#parts;
    if (output.isLive) this.#logTail = [...this.#logTail, line].slice(-LOG_LINES_SHOWN);
    else output.line(`  | ${line}`);
  }

  #say(line: string): void {
    const { clock, output } = this.#parts;
    output.line(`[${((clock.now() - this.#startedAt) / 1000).toFixed(1)}s] ${line}`);
  }
}
