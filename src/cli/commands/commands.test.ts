// Commands that need no fleet: help, init, env, dry run, up and down.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parsePipeline } from '../pipeline/parse.ts';
import { SHOP_YAML } from '../pipeline/testing.ts';
import { lastJson, TestTerminal } from '../testing.ts';
import { firstPipeline } from './init.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-cli-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const terminal = () => new TestTerminal({ cwd: folder });
const data = () => join(folder, 'data');

const BUILT = 'init up ship bake status watch history versions logs console exec env down'.split(
  ' ',
);

test('help lists what is built and nothing else', async () => {
  const { exitCode, stdout } = await terminal().run('--help');
  const commands = stdout.slice(stdout.indexOf('COMMANDS')).match(/^ {2}\w+/gm) ?? [];
  expect(commands.map((line) => line.trim())).toEqual(BUILT);
  expect(exitCode).toBe(0);
});

test.each(BUILT)('%s explains itself', async (command) => {
  const { exitCode, stdout } = await terminal().run(command, '--help');
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/^USAGE/);
  expect(stdout).toContain('--output');
  expect(stdout.length).toBeGreaterThan(300);
});

test.each([
  [['shipp'], /^rollset: there is no command shipp: did you mean `ship`\?$/m],
  [['ship', '--versoin', '1.0.0'], /^rollset: .*--versoin.*--version/],
  [['status', 'now'], /^rollset: /],
  [['up', '--engine', 'vmware'], /--engine/],
  [['up', '--listen', 'nowhere'], /--listen nowhere: expected HOST:PORT/],
  [['logs', '0', '--lines', 'many'], /--lines.*1 to 99999/],
  [['exec', '0'], /give a command after --/],
])('%j is a mistake: one sentence, exit code 1', async (inputs, message) => {
  const { exitCode, stderr } = await terminal().run(...inputs);
  expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  expect(stderr).toMatch(message);
  expect(exitCode).toBe(1);
});

test('init writes a good file and never writes over one', async () => {
  const { exitCode } = await terminal().run('init', '--name', 'shop');
  expect(exitCode).toBe(0);
  const text = await readFile(join(folder, 'rollset.yaml'), 'utf8');
  expect(parsePipeline(text, 'rollset.yaml').name).toBe('shop');
  const again = await terminal().run('init');
  expect(again.stderr).toBe(
    'rollset: rollset.yaml exists already and is left as it is: name another file\n',
  );
  expect(again.exitCode).toBe(1);
});

test('every line that init comments out is good when it counts', () => {
  const text = firstPipeline('shop').replace(/^(\s*)# ?(?=\s*(- |[a-z]+[A-Z]?\w*:))/gm, '$1');
  const { fleet, image, targets } = parsePipeline(text, 'rollset.yaml');
  expect(image.customize).toHaveLength(3);
  expect(fleet).toMatchObject({ dataDisks: [{ lun: 0 }], environment: { GREETING: 'hello' } });
  expect(targets.local).toEqual({ memory: 256 });
});

test('a dry run for Azure shows its requests, without ours', async () => {
  const yaml = SHOP_YAML.replace('  healthTimeout: 20s\n', '')
    .replace('instances: 5', 'instances: 5\n  adminSshKey: ssh-ed25519 AAAA me')
    .replace(
      'local: { memory: 256MiB }',
      'azure: { subscription: 5b8e0000-0000-4000-8000-000000000001, identity: /subscriptions/x }',
    );
  const file = join(folder, 'rollset.yaml');
  await writeFile(file, yaml);
  const args = ['ship', file, '--target', 'azure'];
  const { stdout, stderr, exitCode } = await terminal().run(
    ...args,
    '--dry-run',
    '--output',
    'json',
  );
  expect(stderr).toContain('rollout.drain has no counterpart on Azure');
  expect(exitCode).toBe(0);
  const requests = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { path: string });
  expect(requests.every((each) => 'method' in each && 'apiVersion' in each)).toBe(true);
  expect(requests.some(({ path }) => path.includes('Rollset.Fleet'))).toBe(false);
  expect(requests.at(-1)?.path).toMatch(/virtualMachineScaleSets\/shop$/);
  const real = await terminal().run(...args);
  expect(real.stderr).toContain('shipping to Azure is not built yet');
  expect(real.exitCode).toBe(1);
});

test('without a control plane each command says so in one sentence', async () => {
  for (const command of ['status', 'watch', 'history', 'versions', 'env']) {
    const { exitCode, stderr } = await terminal().run(command, '--data', data());
    expect(stderr).toBe(
      `rollset: no control plane runs on ${data()}: start one with \`rollset up --data ${data()}\`\n`,
    );
    expect(exitCode).toBe(1);
  }
});

test('down without a control plane has nothing to stop', async () => {
  const { exitCode, stdout } = await terminal().run('down', '--data', data(), '--output', 'json');
  expect(lastJson(stdout)).toEqual({ data: data(), stopped: false });
  expect(exitCode).toBe(0);
});

const UP = ['up', '--engine', 'simulated', '--listen', '127.0.0.1:0', '--output', 'json', '--data'];

test('up says how to reach it, refuses a second on the same data, and ends on Ctrl-C', async () => {
  const at = terminal();
  const running = at.run(...UP, data());
  await at.saw(/endpoint/);
  const connection = lastJson(at.stdout) as { endpoint: string; pid: number };
  expect(connection.pid).toBe(process.pid);
  const kept = JSON.parse(await readFile(join(data(), 'connection.json'), 'utf8')) as unknown;
  expect(kept).toEqual(connection);

  const second = await terminal().run(...UP, data());
  expect(second.stderr).toMatch(/^rollset: another control plane is already running on .*\n$/);
  expect(second.exitCode).toBe(1);

  const env = await terminal().run('env', '--data', data());
  expect(env.stdout).toContain(`export ARM_ENDPOINT=${connection.endpoint}\n`);
  const status = await terminal().run('status', '--data', data());
  expect(status.stderr).toMatch(/there is no scale set yet/);

  at.interrupt();
  const { exitCode, stderr } = await running;
  expect(stderr).toContain('the control plane has stopped; VMs go on running');
  expect(exitCode).toBe(0);
});

test('a port in use is told in one sentence', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', () => resolve()));
  const { port } = holder.address() as AddressInfo;
  const args = ['up', '--engine', 'simulated', '--listen', `127.0.0.1:${port}`, '--data', data()];
  const { exitCode, stderr } = await terminal().run(...args);
  expect(stderr).toMatch(new RegExp(`^rollset: 127.0.0.1:${port} is already in use; .*\n$`));
  expect(exitCode).toBe(1);
  await new Promise((resolve) => holder.close(resolve));
});

test('--debug adds the stack', async () => {
  const { stderr } = await terminal().run('status', '--data', data(), '--debug');
  expect(stderr).toMatch(/no control plane runs[\s\S]*find-connection\.ts/);
});
