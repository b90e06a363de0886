import { expect, test } from 'vitest';
import { readScript } from './guest-shell.ts';

const files = new Map([
  ['/tmp/fails.sh', '#!/bin/sh\nexit 7\n'],
  ['/tmp/loop.sh', '/tmp/loop.sh\n'],
]);

test.each([
  ['an unknown command succeeds', 'apt-get install -y python3', 0],
  ['exit ends it', 'exit 4\nexit 5', 4],
  ['the last command counts', 'false', 1],
  ['a failure in the middle does not', 'false\ntrue', 0],
  ['unless errexit is set', 'set -eu\nfalse\ntrue', 1],
  ['&& stops at a failure', 'false && exit 9', 1],
  ['|| goes on at one', 'false || exit 9', 9],
  ['a conditional is passed over whole', 'if ! id x; then\n  exit 1\nfi', 0],
  ['on one line too', 'if true; then exit 1; fi\nexit 2', 2],
  ['so is a here-document', "cat >/etc/x <<'END'\nexit 1\nEND\nexit 2", 2],
  ['a quoted semicolon is no end', "grep ';exit 3;' file", 0],
  ['sh -c runs, under sudo too', "sudo -H sh -ec 'false\ntrue'", 1],
  ['quotes in it are taken off', "sh -c 'echo '\\''a'\\''; exit 6'", 6],
  ['a copied script runs', '/tmp/fails.sh', 7],
  ['under sudo and sh too', 'sudo sh /tmp/fails.sh', 7],
  ['its status can be kept', "'/tmp/fails.sh' </dev/null\nstatus=$?\nrm x\nexit $status", 7],
  ['a script that calls itself ends', '/tmp/loop.sh', 0],
])('%s', (_why, script, exitCode) => {
  expect(readScript(script, files).exitCode).toBe(exitCode);
});

test('what happens comes in order', () => {
  const script = 'echo "one"\nsleep 0.5\nsystemctl --quiet stop app\npoweroff';
  expect(readScript(script, files).actions).toEqual([
    { kind: 'output', text: 'one\n' },
    { kind: 'sleep', ms: 500 },
    { kind: 'service', running: false },
    { kind: 'powerOff' },
  ]);
});

test('nothing happens after a failure that ends the script', () => {
  expect(readScript('set -e\nfalse\necho never', files).actions).toEqual([]);
});
