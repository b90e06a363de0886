// One API write at a time, so that a rule over several resources (a unique name, a free address)
// still holds when its commit is made. Reconcilers write beside it; commits expect revisions.
import { StoreConflict } from '../../store/store.ts';
import { ArmError } from './arm-error.ts';

/** A conflict means that a reconciler was quicker; it writes a few times per step at most. */
const MAX_ATTEMPTS = 8;

export class WriteQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `write` after the ones before it, again when the documents it read have changed. */
  run<T>(write: () => Promise<T>): Promise<T> {
    const result = this.#last.then(() => attempt(write));
    this.#last = result.catch(() => undefined);
    return result;
  }
}

async function attempt<T>(write: () => Promise<T>): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StoreConflict)) throw error;
      if (attempts === MAX_ATTEMPTS) {
        throw new ArmError(
          409,
          'Conflict',
          `The resource was changed ${MAX_ATTEMPTS} times while this request was handled: send it again.`,
        );
      }
    }
  }
}
