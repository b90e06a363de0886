// A keyed work queue: one pass per key at a time, passes of different keys side by side.
//
// A key asked for while its pass runs is run once more afterwards, however often it was asked: the
// queue is level-triggered, the pass looks at the world itself. A pass that throws is retried with
// back-off and its error reported; nothing is dropped.
import type { Clock } from '../support/clock.ts';

/** How soon a pass wants to look again by itself; `undefined` when only an event can matter. */
export type PassResult = { readonly againInMs?: number };

export type WorkQueueOptions = {
  readonly clock: Clock;
  readonly run: (key: string) => Promise<PassResult>;
  readonly onError: (key: string, error: unknown, retryInMs: number) => void;
  /** Passes in flight at once. Engines do the slow part in child processes, so this may be large. */
  readonly concurrency: number;
};

/** First and longest wait after a failed pass; doubled between them. */
const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 15_000;

type Entry = { running: boolean; again: boolean; failures: number; timer?: AbortController };

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #waiting: string[] = [];
  #running = 0;
  #closed = false;
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Asks for a pass over `key` as soon as possible. */
  enqueue(key: string): void {
    if (this.#closed) return;
    const entry = this.#entry(key);
    entry.timer?.abort();
    delete entry.timer;
    if (entry.running) {
      entry.again = true;
      return;
    }
    if (!this.#waiting.includes(key)) this.#waiting.push(key);
    this.#pump();
  }

  /** Ends after the passes in flight; asks for nothing more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.length = 0;
    for (const entry of this.#entries.values()) entry.timer?.abort();
    if (this.#running > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { running: false, again: false, failures: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #pump(): void {
    while (this.#running < this.#options.concurrency) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      void this.#pass(key, this.#entry(key));
    }
  }

  async #pass(key: string, entry: Entry): Promise<void> {
    entry.running = true;
    this.#running += 1;
    let againInMs: number | undefined;
    try {
      againInMs = (await this.#options.run(key)).againInMs;
      entry.failures = 0;
    } catch (error) {
      entry.failures += 1;
      againInMs = Math.min(FIRST_RETRY_MS * 2 ** (entry.failures - 1), LONGEST_RETRY_MS);
      if (!this.#closed) this.#options.onError(key, error, againInMs);
    }
    entry.running = false;
    this.#running -= 1;
    this.#settle(key, entry, againInMs);
    this.#pump();
    if (this.#running === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #settle(key: string, entry: Entry, againInMs: number | undefined): void {
    if (this.#closed) return;
    if (entry.again) {
      entry.again = false;
      this.enqueue(key);
    } else if (againInMs !== undefined) {
      this.#later(key, entry, againInMs);
    } else {
      this.#entries.delete(key);
    }
  }

  #later(key: string, entry: Entry, ms: number): void {
    const timer = new AbortController();
    entry.timer = timer;
    this.#options.clock.sleep(ms, timer.signal).then(
      () => {
        if (entry.timer === timer) this.enqueue(key);
      },
      () => undefined,
    );
  }
}
