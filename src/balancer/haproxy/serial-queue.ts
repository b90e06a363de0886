// Runs work one after the other: verbs of one frontend never interleave.

export class SerialQueue {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    // Whoever asked hears of a failure; the next one starts all the same.
    this.#last = result.catch(() => undefined);
    return result;
  }
}
