import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  BROUGHT_IN,
  deprovisionCommand,
  placeFileCommand,
  prepareCommand,
  runInlineCommand,
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
  ['inline', runInlineCommand("echo it's\n")],
  ['script', runScriptCommand()],
  ['file', placeFileCommand("/tmp/it's here")],
])('%s is sound shell', (_name, command) => {
  const { status, stderr } = spawnSync('/bin/sh', ['-n', '-c', command], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

/** The build user's home and the place of what is brought in, moved into this test's folder. */
function run(command: string): { status: number | null; stderr: string } {
  const here = command.replaceAll('/home/packer', folder).replaceAll(BROUGHT_IN, brought());
  return spawnSync('/bin/sh', ['-c', here], { encoding: 'utf8' });
}

function brought(): string {
  return join(folder, 'brought');
}

test.each([
  ['lines', () => run(runInlineCommand("pwd >where\necho 'it'\\''s'\nfalse\ntouch never\n"))],
  [
    'a script',
    () => {
      const script = '#!/bin/sh -e\npwd >where\nfalse\ntouch never\n';
      writeFileSync(brought(), script, { mode: 0o755 });
      return run(runScriptCommand());
    },
  ],
])('%s run in the home of the build user, to the first that fails', (_what, runIt) => {
  expect(runIt().status).toBe(1);
  expect(readFileSync(join(folder, 'where'), 'utf8').trim()).toBe(folder);
  expect(existsSync(join(folder, 'never'))).toBe(false);
});

test('a file goes to its destination', () => {
  writeFileSync(brought(), 'content');
  expect(run(placeFileCommand(join(folder, "it's out"))).status).toBe(0);
  expect(readFileSync(join(folder, "it's out"), 'utf8')).toBe('content');
});

test.each([
  ['a folder', '', /is a folder: name the file/],
  ['a place whose parent does not exist', '/no/such/place', /nonexistent|No such file/],
])('a destination that is %s fails', (_what, below, stderr) => {
  writeFileSync(brought(), 'content');
  const result = run(placeFileCommand(`${folder}${below}`));
  expect(result.status).not.toBe(0);
  expect(result.stderr).toMatch(stderr);
});
