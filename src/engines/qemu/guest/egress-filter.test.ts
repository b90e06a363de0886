import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { EGRESS_FILTER } from './egress-filter.ts';

/** An Ethernet frame with its length before it, as QEMU sends it. */
function frame(type: number, target: readonly number[], marker: string): Buffer {
  const header = Buffer.alloc(34);
  header.writeUInt16BE(type, 12);
  Buffer.from(target).copy(header, 30);
  const body = Buffer.concat([header, Buffer.from(marker)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length);
  return Buffer.concat([length, body]);
}
const ipv4 = (address: string, marker = address): Buffer =>
  frame(0x0800, address.split('.').map(Number), `<${marker}>`);

/** The filter between a VM and a stand-in for passt that notes what comes through. */
async function filtered(): Promise<{ vm: net.Socket; heard: () => Buffer; outside: net.Socket }> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rsf-'));
  const [listenOn, connectTo] = [path.join(folder, 'vm'), path.join(folder, 'out')];
  const server = net.createServer();
  server.listen(connectTo);
  const connected = once(server, 'connection');
  const child = spawn(process.execPath, ['-e', EGRESS_FILTER, listenOn, connectTo, 'sleep', '60']);
  onTestFinished(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    server.close();
    rmSync(folder, { recursive: true });
  });
  const [outside] = (await connected) as [net.Socket];
  outside.on('error', () => undefined);
  let bytes = Buffer.alloc(0);
  outside.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
  });
  await expect.poll(() => existsSync(listenOn), { timeout: 10_000 }).toBe(true);
  const vm = net.connect(listenOn);
  await once(vm, 'connect');
  onTestFinished(() => {
    vm.destroy();
  });
  return { vm, outside, heard: () => bytes };
}

const own = Object.values(os.networkInterfaces())
  .flatMap((all) => all ?? [])
  .filter(({ family }) => family === 'IPv4')
  .map(({ address }) => address);

test('lets the outside through, and nothing for the host itself', async () => {
  const { vm, heard } = await filtered();
  const arp = frame(0x0806, [127, 0, 0, 1], '<arp>');
  const kept = [ipv4('93.184.216.34'), arp, ipv4('10.0.2.3', 'last')];
  const dropped = [
    ipv4('127.0.0.1'),
    ipv4('127.77.3.4'),
    ipv4('0.0.0.0'),
    ipv4('255.255.255.255'),
    ipv4('224.0.0.1'),
    frame(0x86dd, [0, 0, 0, 0], '<ipv6>'),
    frame(0x8100, [8, 8, 8, 8], '<vlan>'),
    ...own.map((address) => ipv4(address)),
  ];
  const [first, second, last] = kept;
  if (first === undefined || second === undefined || last === undefined) throw new Error('three');
  vm.write(Buffer.concat([...dropped, first, ...dropped, second, ...dropped, last]));
  await expect.poll(() => heard().includes('<last>'), { timeout: 10_000 }).toBe(true);
  expect(heard()).toEqual(Buffer.concat(kept));
});

test('a frame that arrives in pieces is judged as one', async () => {
  const { vm, heard } = await filtered();
  const stream = Buffer.concat([
    ipv4('127.0.0.1'),
    ipv4('1.2.3.4'),
    ipv4('127.0.0.1'),
    ipv4('5.6.7.8'),
  ]);
  vm.setNoDelay(true);
  for (const byte of stream) {
    vm.write(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await expect.poll(() => heard().includes('<5.6.7.8>'), { timeout: 10_000 }).toBe(true);
  expect(heard()).toEqual(Buffer.concat([ipv4('1.2.3.4'), ipv4('5.6.7.8')]));
});

test('what comes from outside reaches the VM untouched', async () => {
  const { vm, outside } = await filtered();
  outside.write(ipv4('127.0.0.1', 'answer'));
  const [answer] = (await once(vm, 'data')) as [Buffer];
  expect(answer).toEqual(ipv4('127.0.0.1', 'answer'));
});

test('it ends with the VM', async () => {
  const { vm, outside } = await filtered();
  const closed = once(outside, 'close');
  vm.destroy();
  await closed;
});
