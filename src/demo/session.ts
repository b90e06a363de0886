// One run of the demo: what it has started, and how all of it ends again.
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../support/clock.ts';
import { type CommandResult, FleetReader, lastLineOf, rollset } from './control-plane.ts';
import { type EntryHashes, HASH_COMMAND, parseHashes } from './entry-files.ts';
import { FleetWatch } from './fleet-watch.ts';
import { copyExample } from './guestbook.ts';
import { keepImages, keptImagesFolder, takeKeptImages } from './kept-images.ts';
import { Connection, ExecResult, type FleetStatus, ShipResult } from './schemas.ts';
import { Traffic } from './traffic.ts';

const FLEET = 'guestbook';
const LOG_LINES_SHOWN = 20;

export type Say = (text: string) => void;

export type Shipped = { readonly exitCode: 0 | 2; readonly bakeSeconds: number };

export class Session {
  /** Holds the control plane's data and the copy of the example. */
  readonly folder: string;
  readonly clock: Clock;
  #fleet: FleetReader | undefined;
  #traffic: Traffic | undefined;
  #watch: FleetWatch | undefined;
  readonly #keptImages = keptImagesFolder();
  readonly #say: Say;
  readonly #signal: AbortSignal;

  private constructor(folder: string, clock: Clock, say: Say, signal: AbortSignal) {
    this.folder = folder;
    this.clock = clock;
    this.#say = say;
    this.#signal = signal;
  }

  static async begin(clock: Clock, say: Say, signal: AbortSignal): Promise<Session> {
    const folder = await mkdtemp(join(tmpdir(), 'rollset-demo-'));
    // VMs run as an unprivileged user, who has to get through to their disks.
    await chmod(folder, 0o711);
    const session = new Session(folder, clock, say, signal);
    await copyExample(session.appFolder);
    return session;
  }

  get appFolder(): string {
    return join(this.folder, 'guestbook');
  }

  get dataFolder(): string {
    return join(this.folder, 'data');
  }

  async startControlPlane(): Promise<Connection> {
    if (!(await takeKeptImages(this.dataFolder, this.#keptImages)))
      this.#say('    the base image is not here yet: making it takes about a minute, once');
    const args = ['up', '--detach', '--listen', '127.0.0.1:0', '--output', 'json'];
    const result = await this.rollset([...args, '--data', this.dataFolder]);
    if (result.exitCode !== 0) throw new Error('the control plane did not start');
    const connection = Connection.parse(JSON.parse(result.lines[0] ?? ''));
    this.#fleet = await FleetReader.open(connection, FLEET);
    return connection;
  }

  /** Runs one command in the app's folder; what it tells people appears indented. */
  async rollset(args: readonly string[]): Promise<CommandResult> {
    this.#signal.throwIfAborted();
    const onLine = (line: string) => this.#tell(line);
    const result = await rollset(args, { cwd: this.appFolder, onLine, signal: this.#signal });
    this.#signal.throwIfAborted();
    return result;
  }

  /** Ships the app as it lies in the folder. 0 and 2 (rolled back) are outcomes; others are thrown. */
  async ship(version: string, ...args: string[]): Promise<Shipped> {
    const options = ['--version', version, '--data', this.dataFolder, '--output', 'json'];
    const result = await this.rollset(['ship', ...options, ...args]);
    const { exitCode } = result;
    if (exitCode !== 0 && exitCode !== 2)
      throw new Error(`shipping ${version} ended with exit code ${exitCode}`);
    const { seconds } = ShipResult.parse(lastLineOf('ship', result));
    return { exitCode, bakeSeconds: seconds };
  }

  /** Runs a shell command in one instance. */
  async exec(name: string, command: string): Promise<string> {
    const options = ['--data', this.dataFolder, '--output', 'json'];
    const result = await this.rollset(['exec', name, ...options, '--', 'sh', '-c', command]);
    const { exitCode, stdout, stderr } = ExecResult.parse(lastLineOf('exec', result));
    if (exitCode !== 0) throw new Error(`a command in ${name} ended with ${exitCode}: ${stderr}`);
    return stdout;
  }

  get fleet(): FleetReader {
    if (this.#fleet === undefined) throw new Error('the control plane has not been started');
    return this.#fleet;
  }

  /** From here on requests flow and the fleet is looked at. */
  startTraffic(status: FleetStatus): { traffic: Traffic; watch: FleetWatch; url: string } {
    const [frontend] = status.frontends;
    if (frontend === undefined) throw new Error('the fleet has no frontend address');
    const url = `http://${frontend.address}:${frontend.port}`;
    this.#traffic = new Traffic(url, this.clock);
    this.#watch = new FleetWatch(() => this.fleet.status(), this.clock);
    this.#traffic.start();
    this.#watch.start();
    return { traffic: this.#traffic, watch: this.#watch, url };
  }

  async stopTraffic(): Promise<void> {
    await Promise.all([this.#traffic?.stop(), this.#watch?.stop()]);
  }

  /** Hashes of every entry file, computed by the instances themselves. */
  async hashEntries(): Promise<EntryHashes> {
    const { instances } = await this.fleet.status();
    const hashed = instances.map(async ({ name }) => {
      return [name, parseHashes(await this.exec(name, HASH_COMMAND))] as const;
    });
    return new Map(await Promise.all(hashed));
  }

  /** Stops traffic, VMs and control plane, and removes every file; safe at any point. */
  async end(): Promise<void> {
    await this.stopTraffic();
    await this.#fleet?.close();
    const onLine = (line: string) => this.#tell(line);
    const down = ['down', '--data', this.dataFolder, '--output', 'json'];
    const result = await rollset(down, { cwd: this.appFolder, onLine });
    if (result.exitCode !== 0) {
      throw new Error(
        `the control plane did not stop; its data stays in ${this.dataFolder}: run \`npx rollset down --data ${this.dataFolder}\` and remove it`,
      );
    }
    await keepImages(this.dataFolder, this.#keptImages);
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Leaves the fleet running: only the demo's own traffic ends. */
  async leave(): Promise<void> {
    await this.stopTraffic();
    await this.#fleet?.close();
  }

  /** A build's own log stays out: it is on disk, and shown by a bake that fails. */
  #tell(line: string): void {
    if (!/^\s*\| /.test(line)) this.#say(`    ${line}`);
  }

  /** The end of the control plane's own log, for a failure that its commands do not explain. */
  async logTail(): Promise<string> {
    const text = await readFile(join(this.dataFolder, 'control-plane.log'), 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-LOG_LINES_SHOWN).join('\n');
  }
}
