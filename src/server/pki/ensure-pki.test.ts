import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../support/clock.ts';
import { ensurePki } from './ensure-pki.ts';
import { serveHttps } from './serve-https.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-pki-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const at = (ms: number) => ({ ...systemClock, now: () => ms });

function get(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca, agent: false }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('a client that trusts the CA reaches the server by name and by address', async () => {
  const pki = await ensurePki(folder, systemClock);
  const app = { fetch: (incoming: Request) => new Response(new URL(incoming.url).origin) };
  const server = await serveHttps(app, { ...pki, hostname: '127.0.0.1', port: 0 });
  try {
    for (const host of ['127.0.0.1', 'localhost']) {
      const url = `https://${host}:${server.port}`;
      expect(await get(`${url}/x`, pki.ca)).toBe(url);
    }
    await expect(get(`https://127.0.0.1:${server.port}/`, '')).rejects.toThrow(/certificate/);
  } finally {
    await server.close(0);
  }
});

test('the leaf names loopback only, lives at most 397 days, and is signed by a CA of ten years', async () => {
  const { ca, cert } = await ensurePki(folder, systemClock);
  const leaf = new X509Certificate(cert);
  const authority = new X509Certificate(ca);
  expect(leaf.subjectAltName).toBe(
    'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
  );
  expect(Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)).toBeLessThanOrEqual(397 * DAY_MS);
  expect(Date.parse(authority.validTo) - Date.now()).toBeGreaterThan(3640 * DAY_MS);
  expect(leaf.verify(authority.publicKey)).toBe(true);
  expect(leaf.ca).toBe(false);
  expect(authority.ca).toBe(true);
});

test('both are kept across starts; keys are readable by the owner alone', async () => {
  const first = await ensurePki(folder, systemClock);
  expect(await ensurePki(folder, systemClock)).toEqual(first);
  for (const file of ['ca-key.pem', 'server.pem']) {
    expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
  }
  expect(await readFile(first.caFile, 'utf8')).toBe(first.ca);
});

test('with under 30 days left the leaf is renewed and the CA is kept', async () => {
  const now = Date.now();
  const first = await ensurePki(folder, at(now));
  const same = await ensurePki(folder, at(now + 366 * DAY_MS));
  const renewed = await ensurePki(folder, at(now + 368 * DAY_MS));
  expect(same.cert).toBe(first.cert);
  expect(renewed.cert).not.toBe(first.cert);
  expect(renewed.ca).toBe(first.ca);
});

test('a damaged server file is replaced', async () => {
  const first = await ensurePki(folder, systemClock);
  await writeFile(join(folder, 'server.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n');
  const again = await ensurePki(folder, systemClock);
  expect(again.ca).toBe(first.ca);
  expect(again.cert).not.toBe(first.cert);
});

test('a port in use is refused with the error of the system', async () => {
  const pki = await ensurePki(folder, systemClock);
  const app = { fetch: () => new Response('') };
  const server = await serveHttps(app, { ...pki, hostname: '127.0.0.1', port: 0 });
  const second = serveHttps(app, { ...pki, hostname: '127.0.0.1', port: server.port });
  await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await server.close(0);
});
