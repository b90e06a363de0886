// The balancer with a real HAProxy; host processes stand for the VMs.
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getuid } from 'node:process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FrontendSpec } from '../../src/balancer/balancer.ts';
import {
  HaproxyBalancer,
  type HaproxyBalancerOptions,
} from '../../src/balancer/haproxy/haproxy-balancer.ts';
import { showServers } from '../../src/balancer/haproxy/runtime-socket.ts';
import { type App, ask, startApp, Traffic, until } from './traffic.ts';

let root: string;
let options: HaproxyBalancerOptions;
let problems: string[];
let balancers: HaproxyBalancer[];
let apps: App[];
let port: number;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollset-lb-'));
  problems = [];
  balancers = [];
  apps = [];
  port = await freePort();
  options = {
    folder: join(root, 'balancer'),
    runtimeFolder: join(root, 'run'),
    onProblem: (sentence) => problems.push(sentence),
    ...(getuid?.() === 0 ? { runAs: { uid: 65_534, gid: 65_534 } } : {}),
  };
});
afterEach(async () => {
  for (const each of balancers) await each.close();
  await (await HaproxyBalancer.open(options)).shutdown();
  await Promise.all(apps.map((app) => app.kill()));
  await rm(root, { recursive: true, force: true });
});

async function open(rest: Partial<HaproxyBalancerOptions> = {}): Promise<HaproxyBalancer> {
  const balancer = await HaproxyBalancer.open({ ...options, ...rest });
  balancers.push(balancer);
  return balancer;
}

/** Free on every loopback address, hence also on ours. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === 'object' ? address.port : 0;
}

const ADDRESS = '127.77.201.1';
function frontend(rest: Partial<FrontendSpec> = {}): FrontendSpec {
  const mode = rest.mode ?? 'http';
  const check = mode === 'http' ? { checkPath: '/healthz' } : {};
  return {
    frontendId: 'lb#http',
    address: ADDRESS,
    port,
    backendPort: 8080,
    mode,
    ...check,
    ...rest,
  };
}
async function app(name: string): Promise<App> {
  const started = await startApp(name);
  apps.push(started);
  return started;
}
async function serveThree(balancer: HaproxyBalancer, spec = frontend()): Promise<App[]> {
  await balancer.ensureFrontends([spec]);
  const started = await Promise.all(['a', 'b', 'c'].map(app));
  for (const { name, endpoint } of started) {
    await balancer.setBackend(spec.frontendId, name, 'ready', endpoint);
  }
  return started;
}
async function pidsOf(folder = options.folder): Promise<number[]> {
  const names = await readdir(folder);
  const texts = await Promise.all(
    names.map((name) => readFile(join(folder, name, 'frontend.json'), 'utf8')),
  );
  return texts.map((text) => JSON.parse(text).process.pid);
}
const runs = (pid: number) =>
  readFile(`/proc/${pid}/stat`, 'utf8').then(
    (text) => !text.includes(') Z '),
    () => false,
  );
const outline = async (balancer: HaproxyBalancer, frontendId = 'lb#http') =>
  (await balancer.observe(frontendId))
    .map((each) => `${each.instanceKey} ${each.state}`)
    .toSorted();

test('no request fails while each backend in turn is drained, stopped, and comes back elsewhere', async () => {
  const balancer = await open();
  const pool = await serveThree(balancer);
  const traffic = new Traffic(ADDRESS, port);
  const drains: number[] = [];
  for (const old of pool) {
    const before = traffic.sent;
    await until('some traffic', () => traffic.sent > before + 700);
    const began = performance.now();
    await balancer.setBackend('lb#http', old.name, 'draining');
    await until('drained', async () => {
      const seen = await balancer.observe('lb#http');
      return seen.find((each) => each.instanceKey === old.name)?.openConnections === 0;
    });
    drains.push(performance.now() - began);
    expect(old.busy()).toBe(0);
    await balancer.setBackend('lb#http', old.name, 'out');
    await old.stop();
    const again = await app(old.name);
    traffic.answers.delete(again.name);
    await balancer.setBackend('lb#http', again.name, 'ready', again.endpoint);
    await until('it serves again', () => (traffic.answers.get(again.name) ?? 0) > 200);
  }
  await traffic.stop();
  expect(traffic.failures).toEqual([]);
  expect(traffic.sent).toBeGreaterThan(2000);
  // Keep-alive clients go elsewhere with their next request: nobody waits for them to hang up.
  expect(Math.max(...drains)).toBeLessThan(1000);
});

test('reads do not fail when a backend is killed without warning', async () => {
  const balancer = await open();
  const [victim] = await serveThree(balancer);
  const traffic = new Traffic(ADDRESS, port, 2);
  await until('some traffic', () => traffic.sent > 50);
  await victim?.kill();
  const before = traffic.sent;
  await until('more traffic', () => traffic.sent > before + 200);
  await traffic.stop();
  expect(traffic.failures).toEqual([]);
});

test('only what was told to be ready is sent anything', async () => {
  const balancer = await open();
  await balancer.ensureFrontends([frontend()]);
  const a = await app('a');
  await expect(balancer.setBackend('lb#http', 'a', 'ready')).rejects.toThrow('no endpoint given');
  await balancer.setBackend('lb#http', 'a', 'out', a.endpoint);
  expect((await ask(ADDRESS, port)).ok).toBe(false);
  expect(await balancer.observe('lb#http')).toEqual([
    {
      frontendId: 'lb#http',
      instanceKey: 'a',
      state: 'out',
      endpoint: a.endpoint,
      openConnections: 0,
    },
  ]);
  await balancer.setBackend('lb#http', 'a', 'ready', a.endpoint);
  expect(await ask(ADDRESS, port)).toEqual({ ok: true, text: 'a' });
  await balancer.removeBackend('lb#http', 'a');
  await balancer.removeBackend('lb#http', 'a');
  expect(await balancer.observe('lb#http')).toEqual([]);
  expect((await ask(ADDRESS, port)).ok).toBe(false);
});

test('a backend that its check finds down is sent nothing, and is still as it was told', async () => {
  const balancer = await open();
  const [victim] = await serveThree(balancer);
  await victim?.kill();
  const traffic = new Traffic(ADDRESS, port, 4);
  await until('the check has noticed', async () => (await statusOf('s1')).startsWith('DOWN'));
  expect(await outline(balancer)).toEqual(['a ready', 'b ready', 'c ready']);
  await balancer.setBackend('lb#http', 'a', 'draining');
  expect(await outline(balancer)).toEqual(['a draining', 'b ready', 'c ready']);
  await traffic.stop();
});

async function statusOf(server: string): Promise<string> {
  const [name = ''] = (await readdir(options.runtimeFolder)).filter((each) =>
    each.endsWith('.sock'),
  );
  const servers = await showServers(join(options.runtimeFolder, name));
  return servers.find((each) => each.name === server)?.status ?? '';
}

test('a second control plane adopts the process with its backends, and traffic goes on', async () => {
  const first = await open();
  await serveThree(first);
  await first.setBackend('lb#http', 'b', 'draining');
  const traffic = new Traffic(ADDRESS, port);
  const pids = await pidsOf();
  await first.close();
  const second = await open();
  await second.ensureFrontends([frontend()]);
  expect(await pidsOf()).toEqual(pids);
  expect(await outline(second)).toEqual(['a ready', 'b draining', 'c ready']);
  await second.setBackend('lb#http', 'a', 'draining');
  traffic.answers.clear();
  await until('c alone serves', () => (traffic.answers.get('c') ?? 0) > 100);
  await traffic.stop();
  expect(traffic.failures).toEqual([]);
  expect(problems).toEqual([]);
});

test('a verb that was written down but not carried out is carried out at adoption', async () => {
  const first = await open();
  await serveThree(first);
  await first.close();
  const [name = ''] = await readdir(options.folder);
  const file = join(options.folder, name, 'frontend.json');
  const record = JSON.parse(await readFile(file, 'utf8'));
  record.backends.a.state = 'draining';
  await writeFile(file, JSON.stringify(record));
  const second = await open();
  await second.ensureFrontends([frontend()]);
  expect(await statusOf('s1')).toMatch(/^DRAIN/);
});

test('after kill -9 HAProxy runs again at once, with the same states', async () => {
  const balancer = await open();
  await serveThree(balancer);
  await balancer.setBackend('lb#http', 'b', 'draining');
  await balancer.setBackend('lb#http', 'c', 'out');
  await untilOldEnough();
  const [pid = 0] = await pidsOf();
  process.kill(pid, 'SIGKILL');
  // Nobody asks: the balancer notices by itself.
  await until('it serves', async () => (await ask(ADDRESS, port)).text === 'a');
  expect(await outline(balancer)).toEqual(['a ready', 'b draining', 'c out']);
  await until('it is told', () => problems.length > 0);
  expect(problems).toEqual([
    `HAProxy (pid ${pid}) of frontend lb#http (${ADDRESS}:${port}) had ended; it runs again`,
  ]);
});

/** A process that ends within its first second is not started again by itself. */
const untilOldEnough = async () => {
  const began = Date.now();
  await until('a second has passed', () => Date.now() - began > 1100);
};

test('after kill -9 of both, the next control plane restores the states', async () => {
  const first = await open();
  await serveThree(first);
  await first.setBackend('lb#http', 'b', 'draining');
  const [pid = 0] = await pidsOf();
  await first.close();
  process.kill(pid, 'SIGKILL');
  const second = await open();
  await second.ensureFrontends([frontend()]);
  expect(await outline(second)).toEqual(['a ready', 'b draining', 'c ready']);
  expect((await ask(ADDRESS, port)).ok).toBe(true);
});

test('a process that hangs is replaced', async () => {
  const first = await open();
  await serveThree(first);
  const [pid = 0] = await pidsOf();
  await first.close();
  process.kill(pid, 'SIGSTOP');
  const second = await open();
  await second.ensureFrontends([frontend()]);
  expect(await runs(pid)).toBe(false);
  expect(await outline(second)).toEqual(['a ready', 'b ready', 'c ready']);
  expect((await ask(ADDRESS, port)).ok).toBe(true);
});

test('after a reboot of the host the backends are void: their ports may be anyone’s', async () => {
  const first = await open();
  await serveThree(first);
  const [pid = 0] = await pidsOf();
  await first.close();
  process.kill(pid, 'SIGKILL');
  const [name = ''] = await readdir(options.folder);
  const file = join(options.folder, name, 'frontend.json');
  const record = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...record, bootId: 'an earlier one' }));
  const second = await open();
  await second.ensureFrontends([frontend()]);
  expect(await second.observe('lb#http')).toEqual([]);
});

test('frontends come and go without touching the others', async () => {
  const balancer = await open();
  await serveThree(balancer);
  const traffic = new Traffic(ADDRESS, port);
  const [pid = 0] = await pidsOf();
  const other = frontend({ frontendId: 'lb#other', address: '127.77.201.2' });
  await balancer.ensureFrontends([frontend(), other]);
  const d = await app('d');
  await balancer.setBackend('lb#other', 'd', 'ready', d.endpoint);
  // The same port, at another address.
  expect(await ask('127.77.201.2', port)).toEqual({ ok: true, text: 'd' });
  await balancer.ensureFrontends([frontend()]);
  expect(await pidsOf()).toEqual([pid]);
  await until('the other is no longer served', async () => !(await ask('127.77.201.2', port)).ok);
  await balancer.ensureFrontends([frontend(), other]);
  expect(await balancer.observe('lb#other')).toEqual([]);
  await traffic.stop();
  expect(traffic.failures).toEqual([]);
});

test('changed settings of a frontend take hold without a failed request', async () => {
  const balancer = await open();
  await serveThree(balancer);
  const traffic = new Traffic(ADDRESS, port);
  const [pid = 0] = await pidsOf();
  for (const checkPath of ['/one', '/two', '/three']) {
    await balancer.ensureFrontends([frontend({ checkPath })]);
    const before = traffic.sent;
    await until('more traffic', () => traffic.sent > before + 150);
  }
  await traffic.stop();
  expect(traffic.failures).toEqual([]);
  expect(await pidsOf()).not.toEqual([pid]);
  expect(await outline(balancer)).toEqual(['a ready', 'b ready', 'c ready']);
  await until('the replaced process has ended', async () => !(await runs(pid)));
  expect(await outline(balancer)).toEqual(['a ready', 'b ready', 'c ready']);
});

test('more backends than slots: the frontend grows without a failed request', async () => {
  const balancer = await open();
  const [a] = await serveThree(balancer);
  const traffic = new Traffic(ADDRESS, port, 4);
  for (let i = 0; i < 40; i++) await balancer.setBackend('lb#http', `x${i}`, 'out', a?.endpoint);
  expect(await balancer.observe('lb#http')).toHaveLength(43);
  await balancer.setBackend('lb#http', 'x39', 'ready', a?.endpoint);
  await traffic.stop();
  expect(traffic.failures).toEqual([]);
});

test('tcp: open connections stay with a draining backend, new ones go elsewhere', async () => {
  const balancer = await open();
  const spec = frontend({ mode: 'tcp' });
  await serveThree(balancer, spec);
  const traffic = new Traffic(ADDRESS, port, 6);
  await until('all serve', () => traffic.answers.size === 3);
  await balancer.setBackend('lb#http', 'a', 'draining');
  const seen = await balancer.observe('lb#http');
  expect(seen.find((each) => each.instanceKey === 'a')?.state).toBe('draining');
  for (let i = 0; i < 12; i++) expect((await ask(ADDRESS, port)).text).not.toBe('a');
  await traffic.stop();
  expect(traffic.failures).toEqual([]);
  await until('its connections have ended', async () =>
    (await balancer.observe('lb#http')).every((each) => each.openConnections === 0),
  );
});

test('a port in use is one sentence; the other frontends are served all the same', async () => {
  const balancer = await open();
  const taken = createServer().listen(port, '127.77.201.3');
  await new Promise((resolve) => taken.once('listening', resolve));
  const blocked = frontend({ frontendId: 'lb#blocked', address: '127.77.201.3' });
  await expect(balancer.ensureFrontends([blocked, frontend()])).rejects.toThrow(
    `frontend lb#blocked: 127.77.201.3:${port} is in use by another program; stop it or choose another port`,
  );
  expect(await balancer.observe('lb#http')).toEqual([]);
  await new Promise((resolve) => taken.close(resolve));
  await balancer.ensureFrontends([blocked, frontend()]);
  expect(await balancer.observe('lb#blocked')).toEqual([]);
});

test('a process of another Rollset does not share the port unnoticed', async () => {
  const balancer = await open();
  await balancer.ensureFrontends([frontend()]);
  const elsewhere = { folder: join(root, 'b2'), runtimeFolder: join(root, 'r2') };
  const other = await open(elsewhere);
  await expect(other.ensureFrontends([frontend()])).rejects.toThrow('is in use by another program');
});

test('moving to a port in use leaves the frontend as it was', async () => {
  const balancer = await open();
  await serveThree(balancer);
  const taken = createServer().listen(port, '127.77.201.4');
  await new Promise((resolve) => taken.once('listening', resolve));
  const moved = frontend({ address: '127.77.201.4' });
  await expect(balancer.ensureFrontends([moved])).rejects.toThrow('is in use');
  expect((await ask(ADDRESS, port)).ok).toBe(true);
  await new Promise((resolve) => taken.close(resolve));
  await balancer.ensureFrontends([moved]);
  expect((await ask('127.77.201.4', port)).ok).toBe(true);
  expect((await ask(ADDRESS, port)).ok).toBe(false);
});

test('a missing HAProxy is one sentence with the package', async () => {
  const balancer = await open({ binaryFolders: [root] });
  await expect(balancer.ensureFrontends([frontend()])).rejects.toThrow(
    'frontend lb#http: HAProxy, which serves the frontends, is not installed: run `apt-get install haproxy` as root (Debian package haproxy)',
  );
});

test('an unknown frontend is refused, not empty', async () => {
  const balancer = await open();
  await expect(balancer.observe('lb#http')).rejects.toThrow('frontend lb#http is not served yet');
  await expect(balancer.setBackend('lb#http', 'a', 'out')).rejects.toThrow('not served yet');
});

test('as root HAProxy runs as the unprivileged user', async ({ skip }) => {
  if (getuid?.() !== 0) skip('needs root');
  const balancer = await open();
  await balancer.ensureFrontends([frontend()]);
  const [pid = 0] = await pidsOf();
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
  expect(status).toMatch(/^Gid:\t65534\t65534\t65534\t65534$/m);
  expect(status).toMatch(/^CapEff:\t0+$/m);
});

test('shutdown leaves no process and no file', async () => {
  const balancer = await open();
  await serveThree(balancer);
  const [pid = 0] = await pidsOf();
  await balancer.shutdown();
  expect(await runs(pid)).toBe(false);
  expect(await readdir(options.folder)).toEqual([]);
  expect(await readdir(options.runtimeFolder)).toEqual([]);
});

test('verbs take milliseconds', async () => {
  const balancer = await open();
  const [a] = await serveThree(balancer);
  const times: number[] = [];
  for (let i = 0; i < 60; i++) {
    const began = performance.now();
    await balancer.setBackend('lb#http', 'a', i % 2 === 0 ? 'out' : 'ready', a?.endpoint);
    await balancer.observe('lb#http');
    times.push(performance.now() - began);
  }
  const median = times.toSorted((x, y) => x - y)[30] ?? Number.NaN;
  console.info(`setBackend + observe: median ${median.toFixed(2)} ms`);
  expect(median).toBeLessThan(20);
});
