import { expect, test } from 'vitest';
import { commandsFor, observed } from './server-commands.ts';

const endpoint = { host: '127.0.0.1', port: 4001 };

test.each([
  ['ready: the address first', 'ready', ['addr 127.0.0.1 port 4001', 'state ready']],
  ['out: the address last', 'out', ['state maint', 'addr 127.0.0.1 port 4001']],
  ['draining: the address last', 'draining', ['state drain', 'addr 127.0.0.1 port 4001']],
] as const)('%s', (_why, state, expected) => {
  const commands = commandsFor({ slot: 3, state, endpoint });
  expect(commands).toEqual(expected.map((each) => `set server b/s3 ${each}`));
});

test.each([
  ['UP 1/2', 'ready', 'ready'],
  ['no check', 'ready', 'ready'],
  ['DRAIN 1/2', 'ready', 'draining'],
  ['MAINT', 'ready', 'out'],
  // Its own check says nothing about what the backend was told to be.
  ['DOWN', 'draining', 'draining'],
  ['DOWN 1/2', 'ready', 'ready'],
] as const)('HAProxy says %s of a backend recorded as %s: %s', (status, recorded, state) => {
  const server = { name: 's1', status, openConnections: 2, address: '127.0.0.1:4001' };
  expect(observed({ slot: 1, state: recorded, endpoint }, server)).toEqual({
    state,
    endpoint,
    openConnections: 2,
  });
});

test('a backend that HAProxy does not know is out', () => {
  expect(observed({ slot: 1, state: 'ready' }, undefined)).toEqual({
    state: 'out',
    openConnections: 0,
  });
});
