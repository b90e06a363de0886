// Watches targets: one probe at a time for each, its results judged, changes told.
import type { Clock } from '../support/clock.ts';
import type { HealthMonitor, HealthObservation, HealthTarget } from './health.ts';
import { probeHttp } from './http-probe.ts';
import {
  beginTrack,
  type HealthTrack,
  nextHealth,
  nextProbe,
  PROBE_TIMEOUT_MS,
  type ProbeResult,
} from './judge.ts';

/** Never rejects. */
export type Probe = (
  target: HealthTarget,
  timeoutMs: number,
  signal: AbortSignal,
) => Promise<ProbeResult>;

export type ProbingHealthMonitorOptions = {
  readonly clock: Clock;
  /**
   * True when a TCP handshake with `port` is done inside the guest within `timeoutMs`. A connection
   * from the host proves nothing: user networking accepts it before the guest has run.
   */
  readonly tcpProbe: (vmId: string, port: number, timeoutMs: number) => Promise<boolean>;
  readonly httpProbe?: Probe;
};

type Watched = {
  target: HealthTarget;
  track: HealthTrack;
  readonly stop: AbortController;
};

export class ProbingHealthMonitor implements HealthMonitor {
  readonly #clock: Clock;
  readonly #tcpProbe: ProbingHealthMonitorOptions['tcpProbe'];
  readonly #httpProbe: Probe;
  readonly #watched = new Map<string, Watched>();
  readonly #listeners = new Set<(targetId: string) => void>();

  constructor(options: ProbingHealthMonitorOptions) {
    this.#clock = options.clock;
    this.#tcpProbe = options.tcpProbe;
    this.#httpProbe = options.httpProbe ?? probeHttp;
  }

  /** Changed settings of a watched target hold from its next probe on; its state stays. */
  watch(target: HealthTarget): void {
    const known = this.#watched.get(target.targetId);
    if (known !== undefined) {
      known.target = target;
      return;
    }
    const watched: Watched = {
      target,
      track: beginTrack(this.#clock.now()),
      stop: new AbortController(),
    };
    this.#watched.set(target.targetId, watched);
    void this.#run(watched);
  }

  forget(targetId: string): void {
    const watched = this.#watched.get(targetId);
    this.#watched.delete(targetId);
    watched?.stop.abort();
  }

  observe(targetId: string): HealthObservation {
    const track = this.#watched.get(targetId)?.track;
    if (track === undefined) {
      return { state: 'Unknown', since: this.#clock.now(), reason: 'not watched' };
    }
    return { state: track.state, since: track.since, reason: track.reason };
  }

  onChange(listener: (targetId: string) => void): () => void {
    const own = (targetId: string) => listener(targetId);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  close(): void {
    for (const targetId of this.#watched.keys()) this.forget(targetId);
    this.#listeners.clear();
  }

  async #run(watched: Watched): Promise<void> {
    const { signal } = watched.stop;
    while (!signal.aborted) {
      const { probe } = watched.target;
      const { delayMs, timeoutMs } = nextProbe(watched.track, probe, this.#clock.now());
      if (delayMs > 0) await this.#clock.sleep(delayMs, signal).catch(ignoreAbort(signal));
      if (signal.aborted) return;
      const result = await this.#probe(watched.target, timeoutMs, signal);
      if (signal.aborted) return;
      const before = watched.track.state;
      watched.track = nextHealth(watched.track, result, probe, this.#clock.now());
      if (watched.track.state !== before) this.#tell(watched.target.targetId);
    }
  }

  #probe(target: HealthTarget, timeoutMs: number, signal: AbortSignal): Promise<ProbeResult> {
    return target.probe.protocol === 'tcp'
      ? this.#probeTcp(target)
      : this.#httpProbe(target, timeoutMs, signal);
  }

  /** The guest channel has its own time limit; early in a boot it fails, which is a result. */
  async #probeTcp({ vmId, probe }: HealthTarget): Promise<ProbeResult> {
    try {
      const healthy = await this.#tcpProbe(vmId, probe.port, PROBE_TIMEOUT_MS);
      const answer = healthy ? 'accepts connections' : 'does not accept connections';
      return { healthy, reason: `port ${probe.port} ${answer}` };
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      return { healthy: false, reason: `port ${probe.port} could not be probed: ${text}` };
    }
  }

  #tell(targetId: string): void {
    for (const listener of this.#listeners) listener(targetId);
  }
}

function ignoreAbort(signal: AbortSignal): (error: unknown) => void {
  return (error) => {
    if (!signal.aborted) throw error;
  };
}
