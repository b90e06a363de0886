// One `imageTemplate.run` operation: waits for its turn, works, publishes, and ends the operation in
// the one commit that also says so everywhere else.
import type { ImageManifest } from '../../model/image.ts';
import { commitAgain } from '../../operations/commit-again.ts';
import { isOpen, listOpenOperations } from '../../operations/operations.ts';
import type { Stored } from '../../store/store.ts';
import { isoTime } from '../../support/clock.ts';
import type { RunQueue } from '../run-queue.ts';
import type { ImageTemplateRunnerDeps } from '../runner.ts';
import { templateFolder } from '../submission.ts';
import { type ImageTemplate, parseImageTemplate } from '../template.ts';
import type { RunEnvironment } from './execute.ts';
import { type LastRun, lastRunPut, runEndWrites, type RunRows } from './last-run.ts';
import { failedOutcome } from './outcome.ts';
import { planRun, type RunStep, type RunSubState } from './plan.ts';
import { checkTargets, preparePublication } from './publish.ts';
import {
  interrupted,
  newReport,
  reportPut,
  type RunReport,
  stepStarted,
  stepSucceeded,
} from './report.ts';
import { cleanUpRun, executeWork, type RunFailure, type WorkResult } from './run.ts';
import { runFolder } from './run-folder.ts';
import { RunLog } from './run-log.ts';
import { RunEnded, StepFailure } from './step-failure.ts';

export class ImageTemplateRun {
  readonly #deps: ImageTemplateRunnerDeps;
  /** The operation's id: one run, one name, so that a restart finds everything of it. */
  readonly #runId: string;
  readonly #operation: Stored<'operation'>;
  readonly #signal: AbortSignal;
  #report: RunReport;

  /** `signal`: a cancel or a stop, with a RunEnded as reason. */
  constructor(deps: ImageTemplateRunnerDeps, operation: Stored<'operation'>, signal: AbortSignal) {
    this.#deps = deps;
    this.#operation = operation;
    this.#runId = operation.key;
    this.#signal = signal;
    this.#report = this.#newReport([]);
  }

  /** Ends the operation, unless it is stopped while it waits: then the next start takes it up. */
  async execute(queue: RunQueue): Promise<void> {
    let entered = false;
    try {
      const template = await this.#readTemplate();
      const plan = planRun(template);
      this.#report = this.#newReport(plan);
      await this.#progress('Running', 'Queued', waitingSentence(queue.ahead));
      const leave = await queue.enter(this.#signal);
      entered = true;
      try {
        await checkTargets(template.distribute, this.#deps.store);
        await this.#build(template, plan);
      } finally {
        leave();
      }
    } catch (cause) {
      if (!entered && cause instanceof RunEnded && cause.why === 'stopped') return;
      await this.#end({ cause, message: sentenceOf(cause) });
    }
  }

  async #build(template: ImageTemplate, plan: readonly RunStep[]): Promise<void> {
    const { clock, layers, logger } = this.#deps;
    const release = await layers.hold();
    const timeout = new AbortController();
    const timer = new AbortController();
    const minutes = template.buildTimeoutMs / 60_000;
    clock.sleep(template.buildTimeoutMs, timer.signal).then(
      () => timeout.abort(new RunEnded('timedOut', `The run did not end within ${minutes} min.`)),
      () => {},
    );
    const log = new RunLog(runFolder(this.#deps.dataFolder, this.#runId), clock, (error) => {
      logger.error({ err: error, runId: this.#runId }, 'writing the log of an image run failed');
    });
    const env = this.#environment(template, log, timeout.signal);
    try {
      const result = await this.#work(plan, env);
      if (isPublishable(result, template)) await this.#publish(plan, result, env);
      else await this.#end(result.failure);
    } finally {
      timer.abort();
      log.close();
      release();
      // What was captured and not published is of no use to anybody.
      await layers.removeUnused();
    }
  }

  async #work(plan: readonly RunStep[], env: RunEnvironment): Promise<WorkResult> {
    try {
      const result = await executeWork(plan, this.#report, env, (report, subState) => {
        this.#report = report;
        return this.#progress('Running', subState, '');
      });
      this.#report = result.report;
      const cause = result.failure?.cause;
      if (cause instanceof RunEnded && cause.why === 'canceled') {
        await this.#progress('Canceling', undefined, '');
      }
      return result;
    } finally {
      await cleanUpRun(env, this.#deps.logger);
    }
  }

  async #publish(
    plan: readonly RunStep[],
    { failure, image }: WorkResult & { image: ImageManifest },
    env: RunEnvironment,
  ): Promise<void> {
    const { clock, dataFolder, store } = this.#deps;
    const index = plan.length - 1;
    env.log.beginStep('customization.log', 'Distributing', plan[index]?.name ?? '');
    this.#report = stepStarted(this.#report, index, isoTime(clock.now()));
    await this.#progress('Running', 'Distributing', '');
    await commitAgain(store, async () => {
      const rows = await this.#readRows();
      if (rows === undefined) return undefined;
      if (rows.operation.body.cancelRequested) throw canceledBeforePublication();
      const now = isoTime(clock.now());
      const target = { id: env.template.id, targets: env.template.distribute };
      const { runOutputs, versions } = await preparePublication(
        target,
        image,
        store,
        dataFolder,
        now,
      );
      const [first] = versions;
      const report: RunReport = {
        ...stepSucceeded(this.#report, index, now),
        layerBytes: image.layers.at(-1)?.sizeBytes ?? 0,
        ...(first === undefined ? {} : { versionId: first.body.id }),
      };
      const ending = failure === undefined ? SUCCEEDED : failedEnding(failure);
      const message = failure === undefined ? '' : this.#withLog(failure.message);
      const ends = runEndWrites(rows, { ...ending, message, report }, clock.now());
      return [...versions, ...runOutputs, ...ends];
    });
    env.log.note('published');
  }

  async #end(failure: RunFailure | undefined): Promise<void> {
    const { clock, store } = this.#deps;
    const ending = failedEnding(failure ?? { cause: undefined, message: 'nothing was built' });
    const message = this.#withLog(ending.outcome.error.message);
    await commitAgain(store, async () => {
      const rows = await this.#readRows();
      if (rows === undefined) return undefined;
      const report = interrupted(this.#report, isoTime(clock.now()));
      return runEndWrites(rows, { ...ending, message, report }, clock.now());
    });
  }

  async #readTemplate(): Promise<ImageTemplate> {
    const row = await this.#deps.store.get('resource', this.#operation.parent);
    if (row !== undefined) return parseImageTemplate(row.body);
    throw new StepFailure(`The image template ${this.#operation.body.resourceId} does not exist`);
  }

  async #progress(
    runState: LastRun['runState'],
    runSubState: RunSubState | undefined,
    message: string,
  ): Promise<void> {
    const { clock, store } = this.#deps;
    await commitAgain(store, async () => {
      const rows = await this.#readRows();
      if (rows?.template === undefined) return undefined;
      const lastRun: LastRun = {
        operationId: this.#runId,
        runState,
        ...(runSubState === undefined ? {} : { runSubState }),
        message,
        startTime: rows.operation.body.startTime,
      };
      return [
        lastRunPut(rows.template, lastRun),
        reportPut(rows.template.body.id, this.#report, isoTime(clock.now())),
      ];
    });
  }

  /** Undefined once the operation has ended. */
  async #readRows(): Promise<RunRows | undefined> {
    return readRunRows(this.#deps, this.#operation);
  }

  #environment(template: ImageTemplate, log: RunLog, timeout: AbortSignal): RunEnvironment {
    const { clock, dataFolder, engine, forbiddenInImages, store } = this.#deps;
    return {
      runId: this.#runId,
      template,
      store,
      engine,
      clock,
      log,
      signal: AbortSignal.any([this.#signal, timeout]),
      templateFolder: templateFolder(dataFolder, template.id),
      forbidden: forbiddenInImages,
    };
  }

  #newReport(plan: readonly RunStep[]): RunReport {
    return newReport(this.#runId, this.#logUri(), plan);
  }

  #logUri(): string {
    return this.#deps.logUri(this.#runId, 'customization.log');
  }

  #withLog(message: string): string {
    return `${message}\nLog: ${this.#logUri()}`;
  }
}

/** Undefined once the operation has ended. */
export async function readRunRows(
  { store }: Pick<ImageTemplateRunnerDeps, 'store'>,
  { key, parent, body }: Stored<'operation'>,
): Promise<RunRows | undefined> {
  const { resourceId } = body;
  const [operation, template, cancels] = await Promise.all([
    store.get('operation', key),
    store.get('resource', parent),
    listOpenOperations(store, { kind: 'imageTemplate.cancel', resourceId }),
  ]);
  return operation !== undefined && isOpen(operation)
    ? { operation, template, cancels }
    : undefined;
}

const SUCCEEDED = { outcome: { status: 'Succeeded' } } as const;

function failedEnding({ cause, message }: RunFailure) {
  return { outcome: failedOutcome(cause, message) };
}

/** A failed validation is published only when the template says so; the run fails all the same. */
function isPublishable(
  result: WorkResult,
  template: ImageTemplate,
): result is WorkResult & { image: ImageManifest } {
  if (result.image === undefined) return false;
  if (result.failure === undefined) return true;
  const { cause, phase } = result.failure;
  return (
    template.continueDistributeOnFailure && phase === 'Validating' && cause instanceof StepFailure
  );
}

function canceledBeforePublication(): RunEnded {
  return new RunEnded('canceled', 'The run was canceled before anything was published.');
}

function waitingSentence(ahead: number): string {
  return ahead === 0 ? '' : `Waits for ${ahead} other image run(s) to end.`;
}

function sentenceOf(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  return /[.!?]$/.test(text) ? text : `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}.`;
}
