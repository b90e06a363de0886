// The demo's two ways to the control plane, the same that any user has: the command line as a child
// process, and ARM over HTTPS.
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import { ANSWER_TIMEOUT_MS } from './limits.ts';
import { inProject } from './project-folder.ts';
import { type Connection, FleetStatus, type SwapReport, SwapReports } from './schemas.ts';

const ROLLSET = inProject('bin', 'rollset.mjs');
const API_VERSION = '2024-07-01';

export type CommandOptions = {
  readonly cwd: string;
  /** Lines for people, as they appear. */
  readonly onLine: (line: string) => void;
  /** Passed on as Ctrl-C. */
  readonly signal?: AbortSignal;
};
export type CommandResult = { readonly exitCode: number; readonly lines: readonly string[] };

/** Runs `rollset ARGS --output json` to its end. */
export function rollset(args: readonly string[], options: CommandOptions): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    // Its own process group: a terminal's Ctrl-C reaches it once, through us.
    const child = spawn(process.execPath, [ROLLSET, ...args], {
      cwd: options.cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const interrupt = () => child.kill('SIGINT');
    options.signal?.addEventListener('abort', interrupt, { once: true });
    const lines: string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
    createInterface({ input: child.stderr }).on('line', options.onLine);
    child.on('error', reject);
    child.on('close', (code) => {
      options.signal?.removeEventListener('abort', interrupt);
      resolve({ exitCode: code ?? 1, lines });
    });
  });
}

/** The machine-readable result of a command. Throws when it printed none. */
export function lastLineOf(what: string, result: CommandResult): unknown {
  const line = result.lines.at(-1);
  if (line === undefined)
    throw new Error(`${what} ended with exit code ${result.exitCode} and no result`);
  return JSON.parse(line);
}

/** Reads one scale set's own view of itself. */
export class FleetReader {
  readonly #scaleSetUrl: string;
  readonly #token: string;
  readonly #agent: Agent;

  private constructor(scaleSetUrl: string, token: string, agent: Agent) {
    this.#scaleSetUrl = scaleSetUrl;
    this.#token = token;
    this.#agent = agent;
  }

  static async open(connection: Connection, name: string): Promise<FleetReader> {
    const agent = new Agent({ connect: { ca: await readFile(connection.caBundle) } });
    const group = `/subscriptions/${connection.subscriptionId}/resourceGroups/${name}-rg`;
    const scaleSet = `${group}/providers/Microsoft.Compute/virtualMachineScaleSets/${name}`;
    const base = connection.endpoint.replace(/\/+$/, '');
    return new FleetReader(`${base}${scaleSet}`, connection.clientSecret, agent);
  }

  async status(): Promise<FleetStatus> {
    return FleetStatus.parse(await this.#get('status/current')).properties;
  }

  async swapReports(): Promise<readonly SwapReport[]> {
    const reports = SwapReports.parse(await this.#get('swapReports'));
    return reports.value.map((report) => report.properties);
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }

  async #get(path: string): Promise<unknown> {
    const url = `${this.#scaleSetUrl}/providers/Rollset.Fleet/${path}?api-version=${API_VERSION}`;
    const answer = await request(url, {
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#token}` },
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== 200)
      throw new Error(`GET ${url} answered ${answer.statusCode}: ${text}`);
    return JSON.parse(text);
  }
}
