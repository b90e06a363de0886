import { expect, test } from 'vitest';
import { platformImageAlias } from './platform-images.ts';

test.each([
  ['Debian:debian-12:12:latest', 'debian-12'],
  ['debian:Debian-12:12-GEN2:Latest', 'debian-12'],
  ['Debian:debian-12:12:0.20240101.1', 'Debian:debian-12:12:0.20240101.1'],
  ['Canonical:ubuntu-24_04-lts:server:latest', 'Canonical:ubuntu-24_04-lts:server:latest'],
])('%s is %s', (text, alias) => {
  const [publisher = '', offer = '', sku = '', version = ''] = text.split(':');
  expect(platformImageAlias({ publisher, offer, sku, version })).toBe(alias);
});
