// Loads a command when it is run, so that --help stays quick.
import type { CliContext } from '../context.ts';

type Run<FLAGS, ARGS extends unknown[]> = (
  context: CliContext,
  flags: FLAGS,
  ...args: ARGS
) => Promise<void>;

/** Commands take their context as an argument like any other. */
export function lazily<FLAGS, ARGS extends unknown[]>(load: () => Promise<Run<FLAGS, ARGS>>) {
  return async () => {
    const run = await load();
    return function bound(this: CliContext, flags: FLAGS, ...args: ARGS) {
      return run(this, flags, ...args);
    };
  };
}
