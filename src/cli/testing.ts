// Runs the command line in this process, its output kept, Ctrl-C in the test's hands.
import { systemClock } from '../support/clock.ts';
import type { Clock } from '../support/clock.ts';
import type { CliContext } from './context.ts';
import { runCli } from './main.ts';

export type CliRun = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
};

export class TestTerminal {
  stdout = '';
  stderr = '';
  readonly #listeners = new Set<(signal: 'SIGINT' | 'SIGTERM') => void>();
  readonly #watchers = new Set<() => void>();
  readonly #clock: Clock;
  readonly #cwd: string;

  constructor(options: { cwd?: string; clock?: Clock } = {}) {
    this.#cwd = options.cwd ?? process.cwd();
    this.#clock = options.clock ?? systemClock;
  }

  async run(...inputs: string[]): Promise<CliRun> {
    this.stdout = '';
    this.stderr = '';
    const exitCode = await runCli(inputs, this.#context());
    return { exitCode, stdout: this.stdout, stderr: this.stderr };
  }

  interrupt(): void {
    for (const listener of this.#listeners) listener('SIGINT');
  }

  /** Resolves when stdout or stderr has matched. */
  async saw(pattern: RegExp): Promise<void> {
    const matches = () => pattern.test(this.stdout) || pattern.test(this.stderr);
    if (matches()) return;
    await new Promise<void>((resolve) => {
      const watch = () => {
        if (!matches()) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
    });
  }

  #context(): CliContext {
    const collect = (name: 'stdout' | 'stderr') => ({
      write: (text: string) => {
        this[name] += text;
        for (const watcher of this.#watchers) watcher();
      },
    });
    return {
      process: { stdout: collect('stdout'), stderr: collect('stderr'), env: {} },
      env: {},
      cwd: this.#cwd,
      clock: this.#clock,
      onInterrupt: (listener) => {
        this.#listeners.add(listener);
        return () => this.#listeners.delete(listener);
      },
      exit: (code) => {
        throw new Error(`exit ${code}`);
      },
    };
  }
}

/** A clock on which a second lasts a thirtieth: long waits end in a test's time. */
export function hurriedClock(): Clock {
  const start = systemClock.now();
  return {
    now: () => start + (systemClock.now() - start) * 30,
    sleep: (ms, signal) => systemClock.sleep(ms / 30, signal),
  };
}

export function lastJson(text: string): unknown {
  return JSON.parse(text.trimEnd().split('\n').at(-1) ?? '');
}
