// Looks at the fleet five times a second and remembers the worst it saw.
import type { Clock } from '../support/clock.ts';
import { SAMPLE_INTERVAL_MS } from './limits.ts';
import type { FleetStatus, InstanceStatus } from './schemas.ts';

export class FleetWatch {
  /** Most instances down in one look, and which. */
  mostDown: readonly string[] = [];
  samples = 0;
  /** Looks that got no answer: they prove nothing and are not counted as samples. */
  missed = 0;
  readonly #read: () => Promise<FleetStatus>;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(read: () => Promise<FleetStatus>, clock: Clock) {
    this.#read = read;
    this.#clock = clock;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await this.#look();
      await this.#clock.sleep(SAMPLE_INTERVAL_MS, this.#stop.signal).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    try {
      const down = (await this.#read()).instances.filter(isDown).map((instance) => instance.name);
      this.samples += 1;
      if (down.length > this.mostDown.length) this.mostDown = down;
    } catch {
      this.missed += 1;
    }
  }
}

/** From leaving the balancer until Healthy and back in it. */
export function isDown(instance: InstanceStatus): boolean {
  return instance.balancer !== 'ready' || instance.health !== 'Healthy';
}
