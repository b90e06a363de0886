// What a SAS allows, and that nobody can stretch one.
import { expect, test } from 'vitest';
import { accountKey, checkSas, signSas } from './shared-access-signature.ts';
import type { SasGrant } from './shared-access-signature.ts';
import { parseRange } from './file-reply.ts';

const KEY = accountKey(new Uint8Array(32).fill(9), 'shop');
const NOW = Date.parse('2026-03-02T12:00:00Z');
const grant: SasGrant = {
  canonicalizedResource: '/blob/shop/box',
  signedResource: 'c',
  signedPermission: 'rw',
  signedExpiry: '2026-03-02T13:00:00Z',
};
const asked = { account: 'shop', container: 'box', blob: 'a/b', permission: 'r', nowMs: NOW };

function verdict(token: string, change: Partial<typeof asked> = {}) {
  const result = checkSas(new URLSearchParams(token), { ...asked, ...change }, KEY);
  return result.ok ? 'ok' : result.why;
}

test('the signature is the one Azure Storage clients make', () => {
  // Computed by hand over the sixteen lines of service version 2021-12-02.
  const token = new URLSearchParams(signSas(grant, Buffer.from('a2V5', 'base64')));
  expect(token.get('sv')).toBe('2021-12-02');
  expect(token.get('sig')).toBe('0nKRfcy7ytd7OX5vAhURNrfXPhH390LgncwmHB3PAXM=');
});

test.each([
  ['another blob of the container', {}, 'ok'],
  ['another container', { container: 'other' }, 'the signature did not match'],
  ['another account', { account: 'other' }, 'the signature did not match'],
  ['a permission it has not', { permission: 'd' }, "it permits 'rw', not 'd'"],
  ['after its end', { nowMs: NOW + 3_600_001 }, 'it expired at 2026-03-02T13:00:00Z'],
])('a container SAS for %s', (_what, change, why) => {
  expect(verdict(signSas(grant, KEY), { ...change })).toBe(why);
});

test.each([
  ['sp', 'rwd'],
  ['se', '2027-03-02T13:00:00Z'],
  ['sr', 'b'],
  ['sv', '2020-12-06'],
  ['st', '2020-01-01T00:00:00Z'],
])('a SAS with another %s does not match', (name, value) => {
  const token = new URLSearchParams(signSas(grant, KEY));
  token.set(name, value);
  expect(verdict(token.toString())).toBe('the signature did not match');
});

test('a SAS of one blob opens that one', () => {
  const token = signSas(
    { ...grant, signedResource: 'b', canonicalizedResource: '/blob/shop/box/a/b' },
    KEY,
  );
  expect(verdict(token)).toBe('ok');
  expect(verdict(token, { blob: 'a/c' })).toBe('the signature did not match');
});

test('a SAS that begins later, has no readable end, or is not complete', () => {
  expect(verdict(signSas({ ...grant, signedStart: '2026-03-02T12:30:00Z' }, KEY))).toBe(
    'it is not valid before 2026-03-02T12:30:00Z',
  );
  expect(verdict(signSas({ ...grant, signedExpiry: 'soon' }, KEY))).toBe('it expired at soon');
  expect(verdict('sv=2021-12-02')).toMatch(/no complete SAS/);
});

test.each([
  [undefined, undefined],
  ['bytes=0-', { start: 0, end: 9 }],
  ['bytes=2-4', { start: 2, end: 4 }],
  ['bytes=8-100', { start: 8, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-100', { start: 0, end: 9 }],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=4-2', undefined],
  ['bytes=0-1,3-4', undefined],
  ['lines=1-2', undefined],
])('the range %s of ten bytes', (header, range) => {
  expect(parseRange(header, 10)).toEqual(range);
});
