// The balancer on HAProxy: one process a frontend, each with a folder of its own.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../support/clock.ts';
import {
  type BackendObservation,
  type BackendState,
  type Balancer,
  BalancerError,
  type FrontendSpec,
} from '../balancer.ts';
import { binaryFolders, findHaproxy } from './process.ts';
import { type FrontendRecord, loadRecord } from './record.ts';
import {
  type Endpoint,
  type FrontendEnvironment,
  RECORD_FILE,
  ServedFrontend,
} from './served-frontend.ts';

export type HaproxyBalancerOptions = {
  /** `DATA/balancer`: records, configurations, logs. Made when absent. */
  readonly folder: string;
  /** Short: a socket's path may have 107 bytes. Made when absent. */
  readonly runtimeFolder: string;
  /** Whom the processes become once they listen; only when started by root. */
  readonly runAs?: { readonly uid: number; readonly gid: number };
  /** Where `haproxy` is looked for; left out: PATH and Debian's folders. */
  readonly binaryFolders?: readonly string[];
  readonly clock?: Clock;
  /** What went wrong, or was put right, when no caller was there to hear it. */
  readonly onProblem?: (sentence: string) => void;
};

/** HAProxy binds `<path>.<pid>.tmp` first: room for that within the 107 bytes of a socket path. */
const MAX_SOCKET_PATH = 90;

export class HaproxyBalancer implements Balancer {
  readonly #folder: string;
  readonly #runtimeFolder: string;
  readonly #environment: FrontendEnvironment;
  readonly #served = new Map<string, ServedFrontend>();

  private constructor(options: HaproxyBalancerOptions, bootId: string) {
    this.#folder = options.folder;
    this.#runtimeFolder = options.runtimeFolder;
    const folders = options.binaryFolders ?? binaryFolders(process.env['PATH'] ?? '');
    this.#environment = {
      findBinary: () => findHaproxy(folders),
      clock: options.clock ?? systemClock,
      bootId,
      ...(options.runAs === undefined ? {} : { runAs: options.runAs }),
      onProblem: options.onProblem ?? ((sentence) => process.emitWarning(sentence)),
    };
  }

  static async open(options: HaproxyBalancerOptions): Promise<HaproxyBalancer> {
    await mkdir(options.folder, { recursive: true, mode: 0o700 });
    await mkdir(options.runtimeFolder, { recursive: true, mode: 0o700 });
    const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return new HaproxyBalancer(options, bootId.trim());
  }

  async ensureFrontends(frontends: readonly FrontendSpec[]): Promise<void> {
    await this.#load();
    const wanted = new Map(frontends.map((spec) => [spec.frontendId, spec]));
    // The unwanted go first: a wanted one may take over an address.
    const unwanted = [...this.#served].filter(([frontendId]) => !wanted.has(frontendId));
    const removed = unwanted.map(async ([frontendId, served]) => {
      await served.remove();
      this.#served.delete(frontendId);
    });
    const failures = failuresOf(await Promise.allSettled(removed));
    const ensured = [...wanted.values()].map((spec) => this.#serve(spec));
    failures.push(...failuresOf(await Promise.allSettled(ensured)));
    if (failures.length > 0) throw new BalancerError(failures.join('; '));
  }

  setBackend(
    frontendId: string,
    instanceKey: string,
    state: BackendState,
    endpoint?: Endpoint,
  ): Promise<void> {
    return this.#get(frontendId).then((served) => served.setBackend(instanceKey, state, endpoint));
  }

  async removeBackend(frontendId: string, instanceKey: string): Promise<void> {
    await this.#load();
    await this.#served.get(frontendId)?.removeBackend(instanceKey);
  }

  observe(frontendId: string): Promise<readonly BackendObservation[]> {
    return this.#get(frontendId).then((served) => served.observe());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#served.values()].map((served) => served.close()));
    this.#served.clear();
  }

  async shutdown(): Promise<void> {
    await this.#load();
    await Promise.all([...this.#served.values()].map((served) => served.shutdown()));
    this.#served.clear();
  }

  /** A frontend nobody ensured is not one without backends: a drain must not look finished. */
  async #get(frontendId: string): Promise<ServedFrontend> {
    await this.#load();
    const served = this.#served.get(frontendId);
    if (served === undefined) throw new BalancerError(`frontend ${frontendId} is not served yet`);
    return served;
  }

  async #serve(spec: FrontendSpec): Promise<void> {
    const { frontendId } = spec;
    let served = this.#served.get(frontendId);
    if (served === undefined) {
      served = this.#make(folderName(frontendId), spec);
      this.#served.set(frontendId, served);
    }
    try {
      await served.ensure(spec);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new BalancerError(`frontend ${frontendId}: ${text}`, { cause: error });
    }
  }

  /** What an earlier control plane left, once. */
  #loaded: Promise<void> | undefined;
  #load(): Promise<void> {
    this.#loaded ??= this.#loadRecords();
    return this.#loaded;
  }

  async #loadRecords(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const file = join(this.#folder, name, RECORD_FILE);
      const record = await loadRecord(file, this.#environment.bootId);
      if (record === undefined) continue;
      this.#served.set(record.spec.frontendId, this.#make(name, record));
    }
  }

  #make(name: string, record: FrontendRecord | FrontendSpec): ServedFrontend {
    const socketPath = join(this.#runtimeFolder, `${name}.sock`);
    if (Buffer.byteLength(socketPath) > MAX_SOCKET_PATH) {
      throw new BalancerError(
        `${socketPath} is too long for a socket (limit ${MAX_SOCKET_PATH} bytes); choose a shorter runtime folder`,
      );
    }
    return new ServedFrontend(join(this.#folder, name), socketPath, record, this.#environment);
  }
}

/** Ids hold slashes and may be long. */
function folderName(frontendId: string): string {
  return createHash('sha256').update(frontendId).digest('hex').slice(0, 16);
}

function failuresOf(results: readonly PromiseSettledResult<void>[]): string[] {
  return results.flatMap((result) =>
    result.status === 'fulfilled'
      ? []
      : [result.reason instanceof Error ? result.reason.message : String(result.reason)],
  );
}
