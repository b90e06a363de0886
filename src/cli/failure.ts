// How a command ends when it cannot do its work: one sentence and an exit code.

/** Exit codes of the command line (a contract: others script against them). */
export const EXIT = {
  done: 0,
  /** Ended before any instance was touched, or a plain mistake in the call. */
  failed: 1,
  /** The version was rolled back, or the roll-out stopped. */
  rolledBack: 2,
  /** Contact was lost: the outcome is unknown. */
  unknown: 3,
  interrupted: 130,
} as const;

/** An expected failure: `message` is one sentence that says what, where, why and what to do. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

export function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The sentence of an error; with `debug` its stack and those of its causes follow. */
export function describeError(error: unknown, debug: boolean): string {
  const sentence = `rollset: ${sentenceOf(error)}`;
  if (!debug || !(error instanceof Error)) return sentence;
  const stacks: string[] = [];
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    stacks.push(each.stack ?? each.message);
  }
  return [sentence, ...stacks].join('\n');
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CommandFailure ? error.exitCode : EXIT.failed;
}
