// What a command gets from outside: streams, environment, clock, folder and interrupts.
import type { StricliProcess } from '@stricli/core';
import { systemClock } from '../support/clock.ts';
import type { Clock } from '../support/clock.ts';
import type { Stream } from './terminal/output.ts';

export type Environment = Readonly<Partial<Record<string, string>>>;

export type CliContext = {
  /** Its exitCode, when a command sets it, is the command's own. */
  readonly process: StricliProcess & { readonly stdout: Stream; readonly stderr: Stream };
  readonly env: Environment;
  readonly cwd: string;
  readonly clock: Clock;
  /** Calls back at each Ctrl-C (SIGINT) until the returned function is called. */
  onInterrupt(listener: (signal: 'SIGINT' | 'SIGTERM') => void): () => void;
  /** Ends the process at once. */
  exit(code: number): void;
};

export function processContext(): CliContext {
  return {
    process: { stdout: process.stdout, stderr: process.stderr, env: process.env },
    env: process.env,
    cwd: process.cwd(),
    clock: systemClock,
    onInterrupt: (listener) => {
      const signals = ['SIGINT', 'SIGTERM'] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
    exit: (code) => process.exit(code),
  };
}
