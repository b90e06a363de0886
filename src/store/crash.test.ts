// What a commit has acknowledged survives kill -9: a child process commits until it is killed.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execPath } from 'node:process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openStore } from './sqlite-store.ts';

const ROUNDS = 5;
const REPOSITORY = resolve(import.meta.dirname, '../..');

let folder: string;
/** The child is a plain `node`, which on Node 20 reads no TypeScript: the store is compiled first. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-store-crash-'));
  await symlink(join(REPOSITORY, 'node_modules'), join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const compiler = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
  const options = `--ignoreConfig --rootDir src --outDir ${folder} --module nodenext --target es2023
    --types node --skipLibCheck --rewriteRelativeImportExtensions src/store/sqlite-store.ts`;
  const tsc = promisify(execFile);
  await tsc(execPath, [compiler, ...options.split(/\s+/)], { cwd: REPOSITORY });
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Two documents a commit, so that half a commit would show. Prints what is acknowledged. */
const CHILD = `
  import { writeSync } from 'node:fs';
  import { openStore } from './store/sqlite-store.js';
  const store = await openStore(process.argv[1]);
  const put = (key, n) => ({ put: 'operation', key, parent: '/set', type: '', body: { n } });
  for (;;) {
    const n = (await store.list('operation', {})).length;
    const { revision } = await store.commit([put('left' + n, n), put('right' + n, n)]);
    writeSync(1, revision + '\\n');
  }`;

/** Runs the child until it has acknowledged `commits` more, kills it, returns the last revision. */
async function commitUntilKilled(file: string, commits: number): Promise<number> {
  const child = spawn(execPath, ['--input-type=module', '-e', CHILD, file], { cwd: folder });
  let output = '';
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > commits) child.kill('SIGKILL');
  });
  await once(child, 'close');
  expect(complaints).toBe('');
  return Number(output.trimEnd().split('\n').at(-1));
}

test(`kill -9 in the middle of commits, ${ROUNDS} times: nothing acknowledged is lost, no commit is half`, async () => {
  const file = join(folder, 'rollset.db');
  for (let round = 1; round <= ROUNDS; round++) {
    const acknowledged = await commitUntilKilled(file, 20 * round);
    const store = await openStore(file);
    const documents = await store.list('operation', {});
    const changes = await store.changesSince(0);
    await store.close();
    const revisions = new Set(documents.map((document) => document.revision));
    // One more may be durable than was heard of: the kill fell between commit and print.
    expect(revisions.size - acknowledged).toBeOneOf([0, 1]);
    expect(documents).toHaveLength(2 * revisions.size);
    expect(changes).toHaveLength(documents.length);
  }
}, 60_000);
