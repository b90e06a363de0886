// Tells listeners what was committed: after the commit, one commit after the other, never inside.
import type { Change } from './store.ts';

type Listener = (changes: readonly Change[]) => void;

export class ChangeFeed {
  readonly #listeners = new Set<Listener>();
  readonly #queue: (readonly Change[])[] = [];
  readonly #onListenerError: (error: unknown) => void;
  #scheduled = false;

  constructor(onListenerError: (error: unknown) => void = warn) {
    this.#onListenerError = onListenerError;
  }

  subscribe(listener: Listener): () => void {
    // A wrapper, so that the same function subscribed twice can be unsubscribed once.
    const own: Listener = (changes) => listener(changes);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /**
   * A microtask later, hence before whoever awaits the commit goes on, and with a queue, so that a
   * listener that commits again does not tell the others about its commit first.
   */
  publish(changes: readonly Change[]): void {
    this.#queue.push(changes);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#deliver());
  }

  #deliver(): void {
    for (let changes = this.#queue.shift(); changes !== undefined; changes = this.#queue.shift()) {
      for (const listener of this.#listeners) {
        try {
          listener(changes);
        } catch (error) {
          this.#onListenerError(error);
        }
      }
    }
    this.#scheduled = false;
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
