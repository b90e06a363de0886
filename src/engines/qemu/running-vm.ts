// One running VM as this control plane sees it: its end, its agent, whether its OS has answered.
import type { Clock } from '../../support/clock.ts';
import type { GuestReport } from '../engine.ts';
import { GuestAgent } from './guest-agent.ts';
import { readSmallGuestFile } from './guest-exec.ts';
import { AGENT_RETRY_MS, MONITOR_CONNECT_TIMEOUT_MS } from './limits.ts';
import type { VmPaths } from './paths.ts';
import { type ProcessIdentity, isAlive } from './process.ts';
import { asRecord, QmpClient } from './qmp.ts';
import { parseReport } from './record.ts';

export type RunningVmEvents = {
  /** The guest's OS answered for the first time. */
  reported(report: GuestReport): Promise<void>;
  /** The host's disk is full: QEMU has stopped the guest, which loses nothing by waiting. */
  outOfSpace(): void;
  /** The process is gone. */
  ended(): void;
};

/** One try to greet the agent: a guest that boots under load answers late, not never. */
const GREETING_TIMEOUT_MS = 30_000;
/** When the monitor is lost while the process lives, its end is seen by looking. */
const LOOK_INTERVAL_MS = 500;
/** How long a guest that was stopped by a full disk waits before it tries its write again. */
const OUT_OF_SPACE_PAUSE_MS = 3_000;

export class RunningVm {
  readonly identity: ProcessIdentity;
  readonly agent: GuestAgent;
  readonly #paths: VmPaths;
  readonly #clock: Clock;
  readonly #events: RunningVmEvents;
  readonly #stopped = new AbortController();
  #monitor: QmpClient | undefined;
  #report: GuestReport | undefined;
  #waitsForSpace = false;

  constructor(
    identity: ProcessIdentity,
    paths: VmPaths,
    clock: Clock,
    report: GuestReport | undefined,
    events: RunningVmEvents,
  ) {
    this.identity = identity;
    this.#paths = paths;
    this.#clock = clock;
    this.#events = events;
    this.#report = report;
    this.agent = new GuestAgent(paths.agentSocket, () => clock.now());
  }

  get report(): GuestReport | undefined {
    return this.#report;
  }

  /** Resolves when QEMU's monitor answers: the VM is made. Rejects when QEMU ended before. */
  async connect(): Promise<void> {
    const deadline = this.#clock.now() + MONITOR_CONNECT_TIMEOUT_MS;
    for (;;) {
      try {
        const left = Math.max(1, deadline - this.#clock.now());
        this.#monitor = await QmpClient.connect(this.#paths.monitorSocket, left, (event) => {
          if (event.event === 'BLOCK_IO_ERROR' && event.data['nospace'] === true)
            void this.#waitForSpace();
        });
        break;
      } catch (error) {
        if (!(await isAlive(this.identity)) || this.#clock.now() >= deadline) throw error;
        await this.#clock.sleep(5);
      }
    }
    this.watch();
    // Stopped while nobody watched.
    const status = asRecord(await this.#monitor.command('query-status'))['status'];
    if (status === 'io-error') void this.#waitForSpace();
  }

  /** Watches for the end and greets the guest; also without a monitor (adoption of a hung one). */
  watch(): void {
    void this.#watchEnd();
    if (this.#report === undefined) void this.#greet();
  }

  /** Lets go without touching the VM. */
  close(): void {
    this.#stopped.abort();
    this.agent.close();
    this.#monitor?.close();
  }

  /** `cont` repeats the write; when it fails again QEMU tells again. */
  async #waitForSpace(): Promise<void> {
    if (this.#waitsForSpace) return;
    this.#waitsForSpace = true;
    this.#events.outOfSpace();
    await this.#clock.sleep(OUT_OF_SPACE_PAUSE_MS, this.#stopped.signal).catch(() => undefined);
    this.#waitsForSpace = false;
    await this.#monitor?.command('cont').catch(() => undefined);
  }

  async #watchEnd(): Promise<void> {
    const monitor = this.#monitor;
    if (monitor !== undefined) await new Promise<void>((resolve) => monitor.onClose(resolve));
    const signal = this.#stopped.signal;
    try {
      // A closed monitor is nearly always a QEMU on its way out; the process counts.
      for (
        let pause = 2;
        await isAlive(this.identity);
        pause = Math.min(pause * 2, LOOK_INTERVAL_MS)
      )
        await this.#clock.sleep(pause, signal);
    } catch {
      return; // Closed.
    }
    if (signal.aborted) return;
    this.close();
    this.#events.ended();
  }

  /** The agent's socket keeps our request until the guest opens its end, so the answer is prompt. */
  async #greet(): Promise<void> {
    const signal = this.#stopped.signal;
    while (!signal.aborted) {
      try {
        await this.agent.request('guest-ping', {}, GREETING_TIMEOUT_MS);
        const text = await readSmallGuestFile(this.agent, '/run/rollset/report.json');
        if (text !== undefined) {
          const report = parseReport(text);
          await this.#events.reported(report);
          this.#report = report;
          return;
        }
      } catch {
        // Not up yet, or the agent restarts; the next try tells.
      }
      await this.#clock.sleep(AGENT_RETRY_MS, signal).catch(() => undefined);
    }
  }
}
