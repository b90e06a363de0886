// For the end-to-end tests: the command line as a user has it, on a data folder of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { z } from 'zod';
import type { Connection } from '../../src/model/connection.ts';
import { testBaseImage } from '../engines/base-image.ts';

const ROLLSET = fileURLToPath(new URL('../../bin/rollset.mjs', import.meta.url));
const HERE = fileURLToPath(new URL('.', import.meta.url));

export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

const statusSchema = z.object({
  properties: z.object({
    instances: z.array(
      z.object({
        instanceId: z.string(),
        health: z.string(),
        version: z.string(),
        balancer: z.string(),
        diskId: z.string(),
        power: z.string(),
        waitingFor: z.string(),
      }),
    ),
    run: z
      .object({
        runId: z.string(),
        state: z.string(),
        targetVersion: z.string(),
        instances: z.record(z.string(), z.object({ outcome: z.string() })),
      })
      .nullish(),
    frontends: z.array(z.object({ address: z.string(), port: z.number() })),
  }),
});
export type Status = z.infer<typeof statusSchema>['properties'];

const reportsSchema = z.object({
  value: z.array(
    z.object({
      properties: z.object({
        runId: z.string().nullable(),
        instanceId: z.string(),
        kind: z.string(),
        toDiskId: z.string(),
        outcome: z.string(),
        dataDisksIdentical: z.boolean(),
        dataDisksAfter: z.array(
          z.object({ filesystemUuid: z.string().nullable(), clean: z.boolean().nullable() }),
        ),
      }),
    }),
  ),
});

/** One user with one machine: a data folder, a copy of the app, and the commands. */
export class Machine {
  readonly folder: string;
  readonly children = new Set<ChildProcess>();
  #connection: Connection | undefined;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async prepare(): Promise<Machine> {
    const folder = await mkdtemp(join(tmpdir(), 'rollset-e2e-'));
    await chmod(folder, 0o711);
    const machine = new Machine(folder);
    await cp(join(HERE, 'app'), join(folder, 'src', 'app'), { recursive: true });
    await cp(join(HERE, 'rollset.yaml'), join(folder, 'src', 'rollset.yaml'));
    await testBaseImage(join(machine.data, 'images', 'local'));
    return machine;
  }

  get data(): string {
    return join(this.folder, 'data');
  }

  async up(): Promise<Connection> {
    const ended = await this.run(['up', '--detach', '--listen', '127.0.0.1:0']);
    if (ended.code !== 0) throw new Error(`up ended with ${ended.code}: ${ended.stderr}`);
    this.#connection = JSON.parse(ended.stdout.split('\n')[0] ?? '');
    return this.connection;
  }

  get connection(): Connection {
    if (this.#connection === undefined) throw new Error('the control plane is not up');
    return this.#connection;
  }

  start(args: readonly string[]): ChildProcess {
    const [command = '', ...rest] = args;
    const words = [ROLLSET, command, '--data', this.data, '--output', 'json', ...rest];
    const child = spawn(process.execPath, words, {
      cwd: join(this.folder, 'src'),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.children.add(child);
    child.once('exit', () => this.children.delete(child));
    return child;
  }

  run(args: readonly string[]): Promise<Ended> {
    return ended(this.start(args));
  }

  /** Another version of the app: `files` as they shall be. */
  async change(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(this.folder, 'src', 'app', name), text);
    }
  }

  async status(): Promise<Status> {
    return statusSchema.parse(await this.fleet('status/current')).properties;
  }

  async swapReports() {
    return reportsSchema
      .parse(await this.fleet('swapReports'))
      .value.map((each) => each.properties);
  }

  async fleet(path: string): Promise<unknown> {
    const { endpoint, caBundle, subscriptionId, clientSecret } = this.connection;
    const set = `/subscriptions/${subscriptionId}/resourceGroups/e2e-rg/providers/Microsoft.Compute/virtualMachineScaleSets/e2e`;
    const dispatcher = new Agent({ connect: { ca: await readFile(caBundle) } });
    try {
      const url = `${endpoint}${set}/providers/Rollset.Fleet/${path}?api-version=2024-07-01`;
      const headers = { authorization: `Bearer ${clientSecret}` };
      const { body } = await request(url, { dispatcher, headers });
      return await body.json();
    } finally {
      await dispatcher.close();
    }
  }

  /** One request to the app through the balancer. */
  async app(method: 'GET' | 'POST', path: string, body?: string) {
    const [frontend] = (await this.status()).frontends;
    const url = `http://${frontend?.address}:${frontend?.port}${path}`;
    const answer = await request(url, { method, ...(body === undefined ? {} : { body }) });
    const instance = String(answer.headers['x-instance']);
    return { code: answer.statusCode, text: await answer.body.text(), instance };
  }

  /** Pids of this machine's VMs, and of its balancer. */
  async pids(program: RegExp = /qemu-system|haproxy/): Promise<number[]> {
    const pids: number[] = [];
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue;
      const line = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
      const mine = line.includes(this.data) && program.test(line.split('\0')[0] ?? '');
      if (mine) pids.push(Number(name));
    }
    return pids;
  }

  async dispose(): Promise<void> {
    for (const child of this.children) child.kill('SIGKILL');
    await this.run(['down']).catch(() => undefined);
    for (const pid of await this.pids()) process.kill(pid, 'SIGKILL');
    await rm(this.folder, { recursive: true, force: true });
  }
}

export function ended(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** Looks until `seen` says yes; fails with the last look when it never does. */
export async function until<T>(
  what: string,
  look: () => Promise<T>,
  seen: (value: T) => boolean,
  withinMs = 90_000,
): Promise<T> {
  const end = Date.now() + withinMs;
  for (;;) {
    const value = await look();
    if (seen(value)) return value;
    if (Date.now() > end) throw new Error(`not ${what} in time; last: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
