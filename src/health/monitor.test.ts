import { createServer, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HealthTarget } from './health.ts';
import { probeHttp } from './http-probe.ts';
import { type Probe, ProbingHealthMonitor } from './monitor.ts';
import { ManualClock } from '../support/testing.ts';
import { resultOf } from './testing.ts';

let clock: ManualClock;
let monitor: ProbingHealthMonitor;
/** What the next probes of every target get; the last letter goes on. */
let letters: string;
let probed: number[];
const tcpProbe = vi.fn<(vmId: string, port: number) => Promise<boolean>>();
const httpProbe: Probe = async () => {
  probed.push(clock.now());
  const letter = letters.charAt(0);
  if (letters.length > 1) letters = letters.slice(1);
  return resultOf(letter);
};

beforeEach(() => {
  clock = new ManualClock();
  letters = 'h';
  probed = [];
  tcpProbe.mockReset();
  monitor = new ProbingHealthMonitor({ clock, tcpProbe, httpProbe });
});
afterEach(() => monitor.close());

function target(targetId: string, rest: Partial<HealthTarget['probe']> = {}): HealthTarget {
  const probe = {
    protocol: 'http',
    port: 80,
    requestPath: '/',
    intervalMs: 5000,
    numberOfProbes: 1,
    ...rest,
  } as const;
  return { targetId, vmId: `vm-${targetId}`, probe, endpoint: { host: '127.0.0.1', port: 1 } };
}

test('a target begins Unknown, and one that is not watched is Unknown too', () => {
  monitor.watch(target('a'));
  expect(monitor.observe('a')).toEqual({ state: 'Unknown', since: 0, reason: 'not yet probed' });
  expect(monitor.observe('b')).toMatchObject({ state: 'Unknown', reason: 'not watched' });
});

test('often until healthy, then at the interval, also after health is lost', async () => {
  letters = 'uuh';
  monitor.watch(target('a'));
  await clock.advance(500);
  expect(monitor.observe('a')).toMatchObject({ state: 'Healthy', since: 500 });
  letters = 'u';
  await clock.advance(15_000);
  expect(monitor.observe('a')).toMatchObject({ state: 'Unhealthy', since: 5500 });
  expect(probed).toEqual([0, 250, 500, 5500, 10_500, 15_500]);
});

test('listeners hear changes of state only; a new reason shows through observe', async () => {
  const heard: string[] = [];
  monitor.onChange((targetId) => heard.push(`${targetId} ${monitor.observe(targetId).state}`));
  letters = 'uhhhuuuh';
  monitor.watch(target('a', { numberOfProbes: 2 }));
  await clock.advance(10_000);
  expect(heard).toEqual(['a Healthy']);
  await clock.advance(1000);
  expect(monitor.observe('a')).toMatchObject({ state: 'Healthy', reason: 'HTTP 503 from /' });
  await clock.advance(30_000);
  expect(heard).toEqual(['a Healthy', 'a Unhealthy', 'a Healthy']);
});

test('watching again goes on with the state, and takes the new settings', async () => {
  monitor.watch(target('a'));
  await clock.advance(0);
  monitor.watch(target('a', { intervalMs: 10_000 }));
  expect(monitor.observe('a').state).toBe('Healthy');
  await clock.advance(25_000);
  expect(probed).toEqual([0, 5000, 15_000, 25_000]);
});

test('a restarted VM is a new target and begins at Unknown', async () => {
  monitor.watch(target('vm@1'));
  await clock.advance(0);
  monitor.forget('vm@1');
  letters = 'u';
  monitor.watch(target('vm@2'));
  await clock.advance(1000);
  expect(monitor.observe('vm@1').state).toBe('Unknown');
  expect(monitor.observe('vm@2')).toMatchObject({ state: 'Unknown', reason: 'HTTP 503 from /' });
});

test('a target has one probe in flight at a time', async () => {
  let inFlight = 0;
  let most = 0;
  const slow: Probe = async () => {
    most = Math.max(most, ++inFlight);
    await clock.sleep(20_000);
    inFlight--;
    return resultOf('h');
  };
  const own = new ProbingHealthMonitor({ clock, tcpProbe, httpProbe: slow });
  own.watch(target('a'));
  own.watch(target('a'));
  await clock.advance(100_000);
  expect(most).toBe(1);
  own.close();
});

test('forgetting and closing end the probes', async () => {
  monitor.watch(target('a'));
  monitor.watch(target('b'));
  await clock.advance(0);
  monitor.forget('a');
  expect(clock.sleeping).toBe(1);
  monitor.close();
  expect(clock.sleeping).toBe(0);
  await clock.advance(20_000);
  expect(probed).toEqual([0, 0]);
});

test('hundreds of targets each keep their own rhythm', async () => {
  for (let i = 0; i < 500; i++) monitor.watch(target(`t${i}`));
  await clock.advance(10_000);
  expect(probed).toHaveLength(1500);
  expect(monitor.observe('t499').state).toBe('Healthy');
});

test('tcp: only a handshake inside the guest counts', async () => {
  tcpProbe.mockResolvedValueOnce(true).mockResolvedValueOnce(false);
  tcpProbe.mockRejectedValue(new Error('the guest agent does not answer'));
  const { endpoint: _, ...tcp } = target('a', { protocol: 'tcp', port: 5432 });
  monitor.watch(tcp);
  await clock.advance(0);
  expect(tcpProbe).toHaveBeenCalledWith('vm-a', 5432, 2000);
  expect(monitor.observe('a')).toMatchObject({
    state: 'Healthy',
    reason: 'port 5432 accepts connections',
  });
  await clock.advance(5000);
  expect(monitor.observe('a')).toMatchObject({
    state: 'Unhealthy',
    reason: 'port 5432 does not accept connections',
  });
  await clock.advance(5000);
  expect(monitor.observe('a').reason).toBe(
    'port 5432 could not be probed: the guest agent does not answer',
  );
});

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});
async function serve(listener: RequestListener): Promise<HealthTarget> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return { ...target('x', { requestPath: '/healthz' }), endpoint: { host: '127.0.0.1', port } };
}
const probe = (to: HealthTarget, timeoutMs = 2000) =>
  probeHttp(to, timeoutMs, new AbortController().signal);

test.each([
  [200, true],
  [204, false],
  [302, false],
  [503, false],
])('http: %i is healthy: %s', async (status, healthy) => {
  const to = await serve((_, response) => void response.writeHead(status).end('…'));
  expect(await probe(to)).toEqual({ healthy, reason: `HTTP ${status} from /healthz` });
});

test('http: every probe has a connection of its own, and closes it', async () => {
  const ports = new Set<number | undefined>();
  const to = await serve((request, response) => {
    ports.add(request.socket.remotePort);
    response.end(request.headers.connection);
  });
  for (let i = 0; i < 3; i++) await probe(to);
  expect(ports.size).toBe(3);
});

test('http: the app is asked as from inside its VM', async () => {
  const seen: (string | undefined)[] = [];
  const to = await serve((request, response) => {
    seen.push(request.headers.host, request.url);
    response.end();
  });
  await probe(to);
  expect(seen).toEqual(['localhost:80', '/healthz']);
});

test('http: accepted and then silent is no answer', async () => {
  const to = await serve(() => undefined);
  expect(await probe(to, 100)).toEqual({ healthy: false, reason: 'no answer in 0.1 s' });
});

test('http: an answer that never ends is cut off', async () => {
  const to = await serve((_, response) => {
    const flood = setInterval(() => response.write('x'.repeat(32_768)), 1);
    response.on('close', () => clearInterval(flood));
  });
  expect(await probe(to)).toEqual({ healthy: true, reason: 'HTTP 200 from /healthz' });
});

test('http: refused, closed without an answer, not HTTP at all, no endpoint', async () => {
  const refused = await serve(() => undefined);
  await new Promise((resolve) => servers.pop()?.close(resolve));
  expect((await probe(refused)).reason).toBe('connection refused');
  const closing = await serve((request) => void request.socket.destroy());
  expect((await probe(closing)).reason).toBe('connection closed without an answer');
  const { endpoint: _, ...nowhere } = closing;
  expect((await probe(nowhere)).reason).toBe(
    'port 80 of the guest cannot be reached from the host',
  );
  const tcp = createTcpServer((socket) => void socket.end('220 mail\r\n')).listen(0, '127.0.0.1');
  await new Promise((resolve) => tcp.once('listening', resolve));
  const { port } = tcp.address() as AddressInfo;
  const result = await probe({ ...refused, endpoint: { host: '127.0.0.1', port } });
  expect(result).toMatchObject({ healthy: false, reason: expect.stringContaining('Parse Error') });
  tcp.close();
});
