// How the end of a run reads as an operation's outcome. Pure.
import type { OperationOutcome } from '../../operations/operations.ts';
import { assertNever } from '../../support/assert.ts';
import { TemplateError } from '../template-error.ts';
import { RunEnded, StepFailure } from './step-failure.ts';

type Failed = Extract<OperationOutcome, { status: 'Failed' | 'Canceled' }>;

export function failedOutcome(cause: unknown, message: string): Failed {
  if (cause instanceof RunEnded) return endedOutcome(cause, message);
  return { status: 'Failed', error: { code: codeOf(cause), message } };
}

export const INTERRUPTED_SENTENCE =
  'The control plane stopped while this run was going, so the run was ended and its VMs were removed; nothing was published. Run the template again.';

function endedOutcome({ why }: RunEnded, message: string): Failed {
  switch (why) {
    case 'canceled':
      return { status: 'Canceled', error: { code: 'Canceled', message } };
    case 'timedOut':
      return { status: 'Failed', error: { code: 'ImageTemplateRunTimedOut', message } };
    case 'stopped': {
      const error = { code: 'ImageTemplateRunInterrupted', message: INTERRUPTED_SENTENCE };
      return { status: 'Failed', error };
    }
    default:
      return assertNever(why);
  }
}

function codeOf(cause: unknown): string {
  if (cause instanceof TemplateError) return cause.code;
  return cause instanceof StepFailure ? 'ImageTemplateRunFailed' : 'InternalExecutionError';
}
