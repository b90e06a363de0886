import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  deprovisionCommand,
  placeFileCommand,
  prepareCommand,
  runScriptCommand,
} from './guest-scripts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollset-scripts-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each([
  ['prepare', prepareCommand('6.1.0-37-cloud-amd64', 1_764_000_000_000)],
  ['deprovision', deprovisionCommand("6.1.0' odd", ['http://user:pw@proxy:3128'])],
  ['script', runScriptCommand("/tmp/it's.sh")],
  ['file', placeFileCommand('/tmp/a', "/tmp/it's here")],
])('%s is sound shell', (_name, command) => {
  const { status, stderr } = spawnSync('/bin/sh', ['-n', '-c', command], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

/** The build user's home exists in guests only; the commands are run with this folder in its place. */
function run(command: string): { status: number | null; stderr: string } {
  return spawnSync('/bin/sh', ['-c', command.replaceAll('/home/packer', folder)], {
    encoding: 'utf8',
  });
}

test('a script runs in the home of the build user, gives its exit code, and is removed', () => {
  const script = join(folder, 'step');
  writeFileSync(script, '#!/bin/sh -e\npwd >where\nfalse\ntouch never\n', { mode: 0o755 });
  expect(run(runScriptCommand(script)).status).toBe(1);
  expect(readFileSync(join(folder, 'where'), 'utf8').trim()).toBe(folder);
  expect(existsSync(join(folder, 'never'))).toBe(false);
  expect(existsSync(script)).toBe(false);
});

test('a file goes to its destination and keeps what it was brought in as out of the image', () => {
  const from = join(folder, 'in');
  writeFileSync(from, 'content');
  expect(run(placeFileCommand(from, join(folder, 'out'))).status).toBe(0);
  expect(readFileSync(join(folder, 'out'), 'utf8')).toBe('content');
  expect(existsSync(from)).toBe(false);
});

test.each([
  ['a folder', '', /is a folder: name the file/],
  ['a place whose parent does not exist', '/no/such/place', /nonexistent|No such file/],
])('a destination that is %s fails', (_what, below, stderr) => {
  const from = join(folder, 'in');
  writeFileSync(from, 'content');
  const result = run(placeFileCommand(from, `${folder}${below}`));
  expect(result.status).not.toBe(0);
  expect(result.stderr).toMatch(stderr);
});
