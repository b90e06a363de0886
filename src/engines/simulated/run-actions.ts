// Lets what a script does happen, under the clock.
import { assertNever } from '../../support/assert.ts';
import type { Clock } from '../../support/clock.ts';
import type { ExecOptions } from '../engine.ts';
import type { GuestAction } from './guest-shell.ts';

export type ActionContext = {
  readonly clock: Clock;
  readonly options: Pick<ExecOptions, 'timeoutMs' | 'signal' | 'onOutput'>;
  readonly setService: (running: boolean) => Promise<void>;
  readonly powerOff: () => Promise<void>;
};

/** Rejects with the signal's reason when aborted; a script over its time is cut off. */
export async function runActions(
  actions: readonly GuestAction[],
  context: ActionContext,
): Promise<{ stdout: string; timedOut: boolean }> {
  const { clock, options } = context;
  const deadline = clock.now() + options.timeoutMs;
  let stdout = '';
  for (const action of actions) {
    options.signal?.throwIfAborted();
    switch (action.kind) {
      case 'sleep': {
        const leftMs = deadline - clock.now();
        await clock.sleep(Math.min(action.ms, leftMs), options.signal);
        if (action.ms > leftMs) return { stdout, timedOut: true };
        break;
      }
      case 'output':
        stdout += action.text;
        options.onOutput?.(action.text);
        break;
      case 'service':
        await context.setService(action.running);
        break;
      case 'powerOff':
        await context.powerOff();
        break;
      default:
        assertNever(action);
    }
  }
  return { stdout, timedOut: false };
}
