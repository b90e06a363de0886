import { expect, test } from 'vitest';
import type { FrontendSpec } from '../balancer.ts';
import { configFingerprint, renderConfig } from './config.ts';

const spec: FrontendSpec = {
  frontendId: '/subscriptions/s/…/lb#http',
  address: '127.77.0.1',
  port: 8080,
  backendPort: 80,
  mode: 'http',
  checkPath: '/healthz',
};
const settings = { socketPath: '/run/x.sock' };
const lines = (of: Partial<FrontendSpec> = {}, rest = {}) =>
  renderConfig({ ...spec, ...of }, 2, [], { ...settings, ...rest }, 'f00')
    .split('\n')
    .map((line) => line.trim());

test('an http frontend: reads are sent again, backends are checked, connections are fresh', () => {
  expect(lines()).toEqual(
    expect.arrayContaining([
      'mode http',
      'bind 127.77.0.1:8080',
      'retry-on conn-failure empty-response response-timeout',
      'http-request disable-l7-retry unless { method GET HEAD }',
      "http-check send meth GET uri '/healthz' ver HTTP/1.1 hdr host localhost:80 hdr user-agent rollset-balancer",
      'option http-server-close',
      'description f00',
    ]),
  );
});

test('a tcp frontend has no check: a connection proves nothing about the guest', () => {
  const text = lines({ mode: 'tcp' }).join('\n');
  expect(text).toContain('mode tcp');
  expect(text).not.toMatch(/httpchk|check inter|retry-on|mode http/);
});

test('a new process serves its ready backends from its first instant, and no others', () => {
  const at = (port: number) => ({ host: '127.0.0.1', port });
  const text = renderConfig(
    spec,
    4,
    [
      { slot: 2, state: 'ready', endpoint: at(4002) },
      { slot: 3, state: 'draining', endpoint: at(4003) },
      { slot: 4, state: 'out' },
    ],
    settings,
    'f00',
  );
  expect(text.split('\n').filter((line) => line.startsWith('  server '))).toEqual([
    '  server s1 127.0.0.1:1 disabled',
    '  server s2 127.0.0.1:4002',
    '  server s3 127.0.0.1:4003 disabled',
    '  server s4 127.0.0.1:1 disabled',
  ]);
});

test('rights are dropped only when asked for', () => {
  expect(lines().some((line) => /^[ug]id /.test(line))).toBe(false);
  expect(lines({}, { runAs: { uid: 7, gid: 8 } })).toEqual(
    expect.arrayContaining(['uid 7', 'gid 8']),
  );
});

test.each([
  ["/it's", "'/it%27s'"],
  ['/a b', "'/a%20b'"],
  ['/x\n  stats socket /tmp/evil', "'/x%0A%20%20stats%20socket%20/tmp/evil'"],
  ['/q?a=b#"$HOME"', `'/q?a=b#"$HOME"'`],
])('a check path cannot leave its place: %j', (checkPath, quoted) => {
  expect(lines({ checkPath }).filter((line) => line.includes(quoted))).toHaveLength(1);
});

test('the fingerprint tells settings apart, not backends', () => {
  const fingerprint = (of: Partial<FrontendSpec>, slots = 2) =>
    configFingerprint({ ...spec, ...of }, slots, settings);
  expect(fingerprint({})).toBe(fingerprint({}));
  const others = [fingerprint({ port: 81 }), fingerprint({ checkPath: '/x' }), fingerprint({}, 4)];
  expect(new Set([fingerprint({}), ...others]).size).toBe(4);
});
