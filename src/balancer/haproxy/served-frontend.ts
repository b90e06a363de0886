// One frontend and the HAProxy process that serves it: the process is brought to the record.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Clock } from '../../support/clock.ts';
import {
  type BackendObservation,
  type BackendState,
  BalancerError,
  type FrontendSpec,
} from '../balancer.ts';
import { configFingerprint, type ProcessSettings, renderConfig, serverName } from './config.ts';
import {
  checkBindable,
  endProcess,
  identifyProcess,
  type ProcessIdentity,
  signalProcess,
  startHaproxy,
} from './process.ts';
import {
  type BackendRecord,
  beginRecord,
  type FrontendRecord,
  saveRecord,
  withBackend,
  withoutBackend,
} from './record.ts';
import { findProcess, setServers, showServers, watchProcess } from './runtime-socket.ts';
import { SerialQueue } from './serial-queue.ts';
import { commandsFor, observed } from './server-commands.ts';

export type Endpoint = { readonly host: string; readonly port: number };

export type FrontendEnvironment = {
  readonly findBinary: () => Promise<string>;
  readonly clock: Clock;
  readonly bootId: string;
  readonly runAs?: ProcessSettings['runAs'];
  /** Told of what went wrong when no caller is there to hear it. */
  readonly onProblem: (sentence: string) => void;
};

export const RECORD_FILE = 'frontend.json';
/** A process that ends sooner than this is not started again until somebody asks. */
const SHORT_LIFE_MS = 1_000;

export class ServedFrontend {
  readonly #folder: string;
  readonly #socketPath: string;
  readonly #environment: FrontendEnvironment;
  readonly #queue = new SerialQueue();
  #record: FrontendRecord;
  #process: ProcessIdentity | undefined;
  #startedAt = 0;
  #stopWatching: () => void = () => undefined;

  constructor(
    folder: string,
    socketPath: string,
    record: FrontendRecord | FrontendSpec,
    environment: FrontendEnvironment,
  ) {
    this.#folder = folder;
    this.#socketPath = socketPath;
    this.#environment = environment;
    this.#record = 'spec' in record ? record : beginRecord(record, environment.bootId);
  }

  /** Serves `spec` from now on: adopts the process that runs, replaces it, or starts one. */
  ensure(spec: FrontendSpec): Promise<void> {
    return this.#queue.run(async () => {
      const { frontendId, address, port, backendPort, mode, checkPath } = spec;
      const kept = { frontendId, address, port, backendPort, mode };
      const next = checkPath === undefined ? kept : { ...kept, checkPath };
      if (this.#process !== undefined && same(next, this.#record.spec)) return;
      const before = this.#record;
      this.#record = { ...before, spec: next };
      try {
        await this.#settle(before.spec);
      } catch (error) {
        // What runs is still as before: the next attempt must see that something is to be done.
        this.#record = before;
        throw error;
      }
    });
  }

  setBackend(instanceKey: string, state: BackendState, endpoint?: Endpoint): Promise<void> {
    return this.#queue.run(async () => {
      const known = this.#record.backends[instanceKey]?.endpoint;
      const at = endpoint ?? known;
      const { frontendId } = this.#record.spec;
      if (state === 'ready' && endpoint === undefined) {
        throw new BalancerError(
          `${instanceKey} cannot be ready in ${frontendId}: no endpoint given`,
        );
      }
      if (at !== undefined && isIP(at.host) !== 4) {
        throw new BalancerError(`${at.host} is not an IPv4 address, for ${instanceKey}`);
      }
      const slotsBefore = this.#record.slots;
      const wanted = at === undefined ? { state } : { state, endpoint: at };
      await this.#save(withBackend(this.#record, instanceKey, wanted));
      if (this.#record.slots !== slotsBefore) return this.#settle();
      const backend = this.#record.backends[instanceKey];
      if (backend !== undefined) await this.#apply([backend]);
    });
  }

  removeBackend(instanceKey: string): Promise<void> {
    return this.#queue.run(async () => {
      const backend = this.#record.backends[instanceKey];
      if (backend === undefined) return;
      // Out first: after a crash in between, the slot is known and not yet anybody else's.
      await this.#apply([{ ...backend, state: 'out' }]);
      await this.#save(withoutBackend(this.#record, instanceKey));
    });
  }

  observe(): Promise<BackendObservation[]> {
    return this.#queue.run(async () => {
      const servers = await this.#withProcess(() => showServers(this.#socketPath));
      const byName = new Map(servers.map((server) => [server.name, server]));
      const { spec, backends } = this.#record;
      return Object.entries(backends).map(([instanceKey, backend]) => ({
        frontendId: spec.frontendId,
        instanceKey,
        ...observed(backend, byName.get(serverName(backend.slot))),
      }));
    });
  }

  /** Lets open connections end, then the process; forgets the frontend. */
  remove(): Promise<void> {
    return this.#queue.run(async () => {
      const running = await this.#findRunning();
      this.#forgetProcess();
      if (running !== undefined) await signalProcess(running, 'SIGUSR1');
      await rm(this.#folder, { recursive: true, force: true });
    });
  }

  /** Ends the process at once; forgets the frontend. */
  shutdown(): Promise<void> {
    return this.#queue.run(async () => {
      const running = await this.#findRunning();
      this.#forgetProcess();
      if (running !== undefined) {
        await endProcess(running, this.#environment.clock, { force: false });
      }
      await rm(this.#folder, { recursive: true, force: true });
      await rm(this.#socketPath, { force: true });
    });
  }

  /** Waits for the verbs under way; the process goes on. */
  close(): Promise<void> {
    return this.#queue.run(async () => this.#forgetProcess());
  }

  /** Does `work` with the process; when that fails, brings the process back and does it again. */
  async #withProcess<T>(work: () => Promise<T>): Promise<T> {
    if (this.#process !== undefined) {
      try {
        return await work();
      } catch (error) {
        if (error instanceof BalancerError) throw error;
      }
    }
    await this.#settle();
    return work();
  }

  async #apply(backends: readonly BackendRecord[]): Promise<void> {
    if (backends.length === 0) return;
    const commands = backends.flatMap(commandsFor);
    await this.#withProcess(() => setServers(this.#socketPath, commands));
  }

  /** Makes the process be as the record says. `running` is what the present one was started with. */
  async #settle(running: FrontendSpec = this.#record.spec): Promise<void> {
    const { spec, slots } = this.#record;
    this.#forgetProcess();
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const settings = this.#settings();
    const fingerprint = configFingerprint(spec, slots, settings);
    const found = await findProcess(this.#socketPath);
    if (found?.fingerprint === fingerprint) {
      await this.#adopt(await identifyProcess(found.pid));
    } else {
      if (found === undefined) await this.#endSilent();
      const moved = running.address !== spec.address || running.port !== spec.port;
      if (found === undefined || moved) await checkBindable(spec.address, spec.port);
      await this.#start(fingerprint, found?.pid);
    }
    const backends = Object.values(this.#record.backends);
    await setServers(this.#socketPath, backends.flatMap(commandsFor));
  }

  async #start(fingerprint: string, takeOverPid: number | undefined): Promise<void> {
    const { clock, findBinary } = this.#environment;
    const { spec, slots, backends } = this.#record;
    const configFile = join(this.#folder, 'haproxy.cfg');
    const settings = this.#settings();
    const text = renderConfig(spec, slots, Object.values(backends), settings, fingerprint);
    await writeFile(configFile, text, { mode: 0o600 });
    const started = await startHaproxy(
      {
        binary: await findBinary(),
        configFile,
        logFile: join(this.#folder, 'haproxy.log'),
        socketPath: this.#socketPath,
        ...(takeOverPid === undefined ? {} : { takeOverPid }),
      },
      clock,
    );
    this.#startedAt = clock.now();
    await this.#adopt(started);
  }

  async #adopt(process: ProcessIdentity | undefined): Promise<void> {
    if (process === undefined) throw new BalancerError(`HAProxy of ${this.#name()} has just ended`);
    await this.#save({ ...this.#record, process });
    this.#process = process;
    this.#stopWatching = watchProcess(this.#socketPath, () => void this.#onEnd());
  }

  /** The watched process went away: start another before anybody has to ask. */
  async #onEnd(): Promise<void> {
    const { clock, onProblem } = this.#environment;
    try {
      await this.#queue.run(async () => {
        if (this.#process === undefined) return;
        const { pid } = this.#process;
        this.#forgetProcess();
        if (clock.now() - this.#startedAt < SHORT_LIFE_MS) {
          throw new BalancerError(`HAProxy (pid ${pid}) ended right after its start`);
        }
        await this.#settle();
        if (this.#process?.pid === pid) return;
        onProblem(`HAProxy (pid ${pid}) of ${this.#name()} had ended; it runs again`);
      });
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      onProblem(`${this.#name()} is not served: ${text}`);
    }
  }

  #forgetProcess(): void {
    this.#stopWatching();
    this.#stopWatching = () => undefined;
    this.#process = undefined;
  }

  /** The process that serves this frontend, also one of an earlier control plane that hangs. */
  async #findRunning(): Promise<ProcessIdentity | undefined> {
    const found = await findProcess(this.#socketPath);
    return found === undefined ? this.#record.process : identifyProcess(found.pid);
  }

  /** Nobody answers, but the process on record may still run and hold the port. */
  async #endSilent(): Promise<void> {
    const { process } = this.#record;
    if (process !== undefined) await endProcess(process, this.#environment.clock, { force: true });
  }

  async #save(record: FrontendRecord): Promise<void> {
    await saveRecord(join(this.#folder, RECORD_FILE), record);
    this.#record = record;
  }

  #settings(): ProcessSettings {
    const { runAs } = this.#environment;
    return { socketPath: this.#socketPath, ...(runAs === undefined ? {} : { runAs }) };
  }

  #name(): string {
    const { frontendId, address, port } = this.#record.spec;
    return `frontend ${frontendId} (${address}:${port})`;
  }
}

function same(a: FrontendSpec, b: FrontendSpec): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
