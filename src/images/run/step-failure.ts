// Why a run ended early.

/** A step did not do what it was asked to: the template's fault, or the guest's. */
export class StepFailure extends Error {
  override readonly name = 'StepFailure';
  readonly exitCode: number | undefined;
  constructor(sentence: string, exitCode?: number) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

/** Somebody ended the run from outside. `aborted` signals of a run have one of these as reason. */
export class RunEnded extends Error {
  override readonly name = 'RunEnded';
  readonly why: 'canceled' | 'timedOut' | 'stopped';
  constructor(why: RunEnded['why'], sentence: string) {
    super(sentence);
    this.why = why;
  }
}
