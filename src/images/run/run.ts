// One run from its first step to the moment before publication: walks the plan, keeps report and
// log, stops at the first failure, and leaves no VM behind, however it ends.
import { EngineError } from '../../engines/engine.ts';
import type { ImageManifest } from '../../model/image.ts';
import { isoTime } from '../../support/clock.ts';
import type { Logger } from 'pino';
import { executeStep, type RunEnvironment, type RunFacts, vmIdOf } from './execute.ts';
import { type RunPhase, type RunStep, runSubStateOf, type RunSubState } from './plan.ts';
import { type RunReport, stepFailed, stepStarted, stepSucceeded } from './report.ts';
import type { LogFile } from './run-log.ts';
import { RunEnded, StepFailure } from './step-failure.ts';

export type RunFailure = {
  /** Where it ended; absent when it ended before its first step. */
  readonly phase?: RunPhase;
  readonly cause: unknown;
  /** One sentence, then the last lines of the step. */
  readonly message: string;
};

export type WorkResult = {
  readonly report: RunReport;
  /** Present when something publishable was made. */
  readonly image?: ImageManifest;
  readonly failure?: RunFailure;
};

export type Progress = (report: RunReport, subState: RunSubState) => Promise<void>;

/** Executes every step but the last, `publish`. Never rejects for what a step does. */
export async function executeWork(
  plan: readonly RunStep[],
  firstReport: RunReport,
  env: RunEnvironment,
  progress: Progress,
): Promise<WorkResult> {
  let report = firstReport;
  let facts: RunFacts = {};
  for (const [index, step] of plan.entries()) {
    if (step.action === 'publish') break;
    report = stepStarted(report, index, isoTime(env.clock.now()));
    env.log.beginStep(logFileOf(step.phase), step.phase, step.name);
    try {
      await progress(report, runSubStateOf(step.phase));
      facts = { ...facts, ...(await executeStep(step, facts, env)) };
    } catch (cause) {
      const lastLines = env.log.lastLines();
      const exitCode = cause instanceof StepFailure ? cause.exitCode : undefined;
      report = stepFailed(report, index, isoTime(env.clock.now()), {
        lastLines,
        ...(exitCode === undefined ? {} : { exitCode }),
      });
      const message = failureMessage(step, cause, lastLines);
      env.log.note(message.split('\n', 1)[0] ?? '');
      const { image } = facts;
      return {
        report,
        ...(image === undefined ? {} : { image }),
        failure: { phase: step.phase, cause, message },
      };
    }
    report = stepSucceeded(report, index, isoTime(env.clock.now()));
  }
  return { report, ...(facts.image === undefined ? {} : { image: facts.image }) };
}

/** Removes the build and the validation VM; safe to repeat. What cannot be removed is logged. */
export async function cleanUpRun(
  env: Pick<RunEnvironment, 'engine' | 'runId'>,
  logger: Logger,
): Promise<void> {
  for (const vm of ['build', 'validation'] as const) {
    const vmId = vmIdOf(env.runId, vm);
    await env.engine.delete(vmId).catch((error: unknown) => {
      logger.error(
        { err: error, vmId },
        'removing a VM of an image run failed; the next start retries',
      );
    });
  }
}

export function logFileOf(phase: RunPhase): LogFile {
  return phase === 'Validating' ? 'validation.log' : 'customization.log';
}

/** `Step "install" (Customizing) failed: it ended with exit code 3.` and what it said last. */
function failureMessage(step: RunStep, cause: unknown, lastLines: readonly string[]): string {
  if (cause instanceof RunEnded) {
    return `${cause.message} It was at step "${step.name}" (${step.phase}).`;
  }
  const what = sentenceOf(cause).replace(/\.$/, '');
  const sentence = `Step "${step.name}" (${step.phase}) failed: ${what}.`;
  return lastLines.length === 0 ? sentence : [sentence, 'Last lines:', ...lastLines].join('\n');
}

/** Bugs show their name, engines and steps speak for themselves. */
function sentenceOf(cause: unknown): string {
  if (cause instanceof StepFailure || cause instanceof EngineError) return cause.message;
  return cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
}
