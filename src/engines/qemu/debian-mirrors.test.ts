import { expect, test } from 'vitest';
import { deb822Entries, oneLineEntries } from './debian-mirrors.ts';

test('Debian mirrors are found in both forms of sources, third parties are not', () => {
  expect(
    oneLineEntries(`# deb http://old.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib
deb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian-security/ bookworm-security main
deb-src http://mirror.example/debian bookworm main
deb https://packages.example/apt bookworm main`),
  ).toEqual([
    { uri: 'http://mirror.example/debian', suite: 'bookworm' },
    { uri: 'https://mirror.example/debian-security/', suite: 'bookworm-security' },
  ]);
  expect(
    deb822Entries(`Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: https://deb.other.example/node
Suites: nodistro

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm`),
  ).toEqual([
    { uri: 'http://mirror.example/debian', suite: 'bookworm' },
    { uri: 'http://mirror.example/debian', suite: 'bookworm-updates' },
  ]);
});
