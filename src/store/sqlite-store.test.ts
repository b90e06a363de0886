import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { versions } from 'node:process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testStoreConformance } from './conformance.ts';
import { chooseDriver, type DriverName, openDriver } from './driver.ts';
import { StoreError, StoreLocked } from './errors.ts';
import { SCHEMA_VERSION } from './schema.ts';
import { openStore } from './sqlite-store.ts';
import { operation } from './testing.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-store-'));
  file = join(folder, 'rollset.db');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['20.20.2', 'libsql'],
  ['22.12.0', 'libsql'],
  ['22.13.0', 'node:sqlite'],
  ['24.1.0', 'node:sqlite'],
])('Node %s uses %s', (version, driver) => {
  expect(chooseDriver(version)).toBe(driver);
});

const DRIVERS: readonly DriverName[] = ['node:sqlite', 'libsql'];
const available = (driver: DriverName) =>
  driver === 'libsql' || chooseDriver(versions.node) === driver;

for (const driver of DRIVERS) {
  const name = available(driver) ? driver : `${driver} (SKIPPED: Node ${versions.node} lacks it)`;
  describe.skipIf(!available(driver))(name, () => {
    describe('in a file', () => testStoreConformance(() => openStore(file, { driver })));
    describe('in memory', () => testStoreConformance(() => openStore(':memory:', { driver })));

    test('what was committed is there after closing and opening', async () => {
      const first = await openStore(file, { driver });
      await first.commit([operation('a'), operation('b')]);
      await first.commit([{ remove: 'operation', key: 'b' }]);
      await first.close();
      const second = await openStore(file, { driver });
      expect((await second.get('operation', 'a'))?.revision).toBe(1);
      expect((await second.changesSince(0)).map((c) => [c.key, c.removed])).toEqual([
        ['a', false],
        ['b', true],
      ]);
      expect(await second.commit([operation('c')])).toEqual({ revision: 3 });
      await second.close();
    });

    test('a second opener is refused with one sentence, and the first goes on', async () => {
      const first = await openStore(file, { driver });
      const second = openStore(file, { driver });
      await expect(second).rejects.toThrow(StoreLocked);
      await expect(second).rejects.toThrow(
        `${file} is in use by another Rollset; stop that one with \`rollset down\`, or choose another --data folder`,
      );
      await first.commit([operation('a')]);
      await first.close();
      await (await openStore(file, { driver })).close();
    });

    test('a file that is not a store is refused and left as it is', async () => {
      await writeFile(file, 'not a database\n'.repeat(500));
      const opening = openStore(file, { driver });
      await expect(opening).rejects.toThrow(StoreError);
      await expect(opening).rejects.toThrow(`${file} is damaged or not a Rollset store`);
      expect(await readFile(file, 'utf8')).toBe('not a database\n'.repeat(500));
    });

    test('a damaged file is refused', async () => {
      const store = await openStore(file, { driver });
      await store.commit(Array.from({ length: 200 }, (_, i) => operation(`k${i}`)));
      await store.close();
      const bytes = await readFile(file);
      bytes.fill(0xff, 8192, 12_288);
      await writeFile(file, bytes);
      await expect(openStore(file, { driver })).rejects.toThrow('is damaged or not a Rollset');
    });

    test('a newer schema than ours is refused with both numbers', async () => {
      await (await openStore(file, { driver })).close();
      const raw = await openDriver(driver, file);
      raw.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
      raw.close();
      await expect(openStore(file, { driver })).rejects.toThrow(
        `newer Rollset (schema ${SCHEMA_VERSION + 1}, this one knows ${SCHEMA_VERSION})`,
      );
    });

    test('a folder that is not there is one sentence with the path', async () => {
      const missing = join(folder, 'no', 'rollset.db');
      await expect(openStore(missing, { driver })).rejects.toThrow(
        `the store ${missing} could not be opened: ENOENT`,
      );
    });

    test('the write-ahead log stays bounded, also while documents are read', async () => {
      const store = await openStore(file, { driver });
      for (let i = 0; i < 3000; i++) {
        await store.commit([operation(`k${i % 50}`, i)]);
        await store.get('operation', `k${i % 50}`);
        if (i % 100 === 0) await store.list('operation', { limit: 5 });
      }
      expect((await stat(`${file}-wal`)).size).toBeLessThan(8 * 1024 * 1024);
      await store.close();
    });
  });
}

test('the file and its log are readable by their owner alone', async () => {
  const store = await openStore(file);
  await store.commit([operation('a')]);
  for (const path of [file, `${file}-wal`]) expect((await stat(path)).mode & 0o777).toBe(0o600);
  await store.close();
});

test('a listener that throws is reported; the commit and the other listeners stand', async () => {
  const errors: unknown[] = [];
  const heard: number[] = [];
  const store = await openStore(':memory:', { onListenerError: (error) => errors.push(error) });
  const bug = new Error('bug in a listener');
  store.subscribe(() => {
    throw bug;
  });
  store.subscribe((changes) => heard.push(changes.length));
  expect(await store.commit([operation('a')])).toEqual({ revision: 1 });
  expect(errors).toEqual([bug]);
  expect(heard).toEqual([1]);
  await store.close();
});

test('old removals are forgotten at opening, and a position before them is refused', async () => {
  const first = await openStore(file);
  await first.commit([0, 1, 2, 3].map((i) => operation(`k${i}`)));
  for (const i of [0, 1, 2, 3]) await first.commit([{ remove: 'operation', key: `k${i}` }]);
  await first.close();
  const second = await openStore(file, { maxTombstones: 2 });
  expect((await second.changesSince(3)).map((c) => c.key)).toEqual(['k2', 'k3']);
  expect(await second.changesSince(0)).toHaveLength(2);
  await expect(second.changesSince(2)).rejects.toThrow('the feed begins at 3');
  expect(await second.commit([operation('k0')])).toEqual({ revision: 6 });
  await second.close();
});
