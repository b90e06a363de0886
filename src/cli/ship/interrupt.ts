// Ctrl-C as a ship understands it: the first one is asked for and answered, the second ends at once.
import type { CliContext } from '../context.ts';
import { EXIT } from '../failure.ts';

export class Interrupt {
  readonly #controller = new AbortController();
  readonly #off: () => void;

  constructor(context: Pick<CliContext, 'onInterrupt' | 'exit'>) {
    this.#off = context.onInterrupt(() => {
      if (this.requested) context.exit(EXIT.interrupted);
      this.#controller.abort(new Error('interrupted'));
    });
  }

  get requested(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Ends waits early. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Runs a wait that may be cut short: it then simply ends, and the caller looks at `requested`. */
  async cutShort(wait: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await wait(this.signal);
    } catch (error) {
      if (!this.requested) throw error;
    }
  }

  dispose(): void {
    this.#off();
  }
}
