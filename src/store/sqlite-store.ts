// The store on SQLite: one exclusive connection, one durable transaction per commit.
import { closeSync, openSync } from 'node:fs';
import { versions } from 'node:process';
import { assert } from '../support/assert.ts';
import {
  chooseDriver,
  type DriverName,
  openDriver,
  type SqlDriver,
  type SqlRow,
} from './driver.ts';
import { StoreError, StoreLocked } from './errors.ts';
import { ChangeFeed } from './feed.ts';
import { migrate } from './schema.ts';
import { listQuery, SQL, Statements, toChange, toStored } from './statements.ts';
import {
  type Change,
  type Kind,
  type ListFilter,
  type Put,
  type Remove,
  type Store,
  StoreConflict,
  type Stored,
  type Write,
} from './store.ts';

/** Removals kept for the feed when a file is opened: a day of a busy fleet, a few MB at most. */
const MAX_TOMBSTONES = 10_000;

export type StoreOptions = {
  /** The conformance suite runs on each; everybody else takes the one that fits this Node. */
  readonly driver?: DriverName;
  readonly maxTombstones?: number;
  /** A listener of the feed threw: a bug in the listener; the commit stands. */
  readonly onListenerError?: (error: unknown) => void;
};

/**
 * Opens or makes the store in `file` (`:memory:` for tests). Throws StoreLocked when somebody has
 * it open, StoreError when it is not a sound store of a version known here.
 */
export async function openStore(file: string, options: StoreOptions = {}): Promise<Store> {
  let driver: SqlDriver | undefined;
  try {
    // The file holds secrets; SQLite gives its journal files the same mode.
    if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
    driver = await openDriver(options.driver ?? chooseDriver(versions.node), file);
    takeExclusively(driver);
    checkIntegrity(driver, file);
    migrate(driver, file);
    const store = new SqliteStore(file, driver, options);
    store.pruneTombstones(options.maxTombstones ?? MAX_TOMBSTONES);
    return store;
  } catch (error) {
    driver?.close();
    throw toOpenError(error, file);
  }
}

/** EXCLUSIVE keeps the file lock until close, and spares the shared-memory file. */
function takeExclusively(driver: SqlDriver): void {
  driver.exec('PRAGMA locking_mode = EXCLUSIVE');
  driver.exec('PRAGMA journal_mode = WAL');
  driver.exec('PRAGMA synchronous = FULL');
  // The lock is taken by the first write transaction, not by the pragma.
  driver.exec('BEGIN EXCLUSIVE; COMMIT');
}

/**
 * Folds the log into the file and gives the lock back before closing: libsql keeps a closed
 * connection alive until its statements are collected as garbage, and with it the lock.
 */
function release(driver: SqlDriver): void {
  driver.exec('PRAGMA journal_mode = DELETE');
  driver.exec('PRAGMA locking_mode = NORMAL');
  driver.exec('SELECT COUNT(*) FROM meta');
  driver.close();
}

function checkIntegrity(driver: SqlDriver, file: string): void {
  const found = driver.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  if (found !== 'ok') throw new StoreError(damaged(file, String(found)));
}

const damaged = (file: string, detail: string) =>
  `${file} is damaged or not a Rollset store (${detail}); restore it from a backup, or move it away to begin with an empty one`;

function toOpenError(error: unknown, file: string): Error {
  if (error instanceof StoreError) return error;
  const text = error instanceof Error ? error.message : String(error);
  if (/database is locked/i.test(text)) {
    return new StoreLocked(
      `${file} is in use by another Rollset; stop that one with \`rollset down\`, or choose another --data folder`,
      { cause: error },
    );
  }
  if (/not a database|malformed/i.test(text)) {
    return new StoreError(damaged(file, text), { cause: error });
  }
  return new StoreError(`the store ${file} could not be opened: ${text}`, { cause: error });
}

class SqliteStore implements Store {
  readonly #file: string;
  readonly #driver: SqlDriver;
  readonly #statements: Statements;
  readonly #feed: ChangeFeed;
  #revision: number;
  #open = true;

  constructor(file: string, driver: SqlDriver, options: StoreOptions) {
    this.#file = file;
    this.#driver = driver;
    this.#statements = new Statements(driver);
    this.#feed = new ChangeFeed(options.onListenerError);
    this.#revision = this.#meta('revision');
  }

  async get<K extends Kind>(kind: K, key: string): Promise<Stored<K> | undefined> {
    const row = this.#prepare(SQL.get).get(kind, key);
    return row === undefined ? undefined : toStored(kind, row);
  }

  async list<K extends Kind>(kind: K, filter: ListFilter): Promise<Stored<K>[]> {
    const { sql, values } = listQuery(kind, filter);
    return this.#prepare(sql)
      .all(...values)
      .map((row) => toStored(kind, row));
  }

  async commit(writes: readonly Write[]): Promise<{ revision: number }> {
    assertDistinct(writes);
    const revision = this.#revision + 1;
    let changes: Change[];
    this.#prepare(SQL.begin).run();
    try {
      changes = writes.flatMap((write) => this.#apply(write, revision) ?? []);
      if (changes.length > 0) this.#prepare(SQL.setMeta).run(revision, 'revision');
      this.#prepare(SQL.commit).run();
    } catch (error) {
      this.#rollBack();
      if (error instanceof StoreConflict) throw error;
      const text = error instanceof Error ? error.message : String(error);
      throw new StoreError(`a commit to ${this.#file} failed, nothing was written: ${text}`, {
        cause: error,
      });
    }
    if (changes.length === 0) return { revision: this.#revision };
    this.#revision = revision;
    this.#feed.publish(changes);
    return { revision };
  }

  async changesSince(revision: number): Promise<Change[]> {
    const begin = this.#meta('feedBeginsAt');
    assert(
      revision === 0 || revision >= begin,
      `changes since revision ${revision} asked for, but the feed begins at ${begin}; list everything again`,
    );
    return this.#prepare(SQL.changes).all(revision, revision).map(toChange);
  }

  subscribe(listener: (changes: readonly Change[]) => void): () => void {
    return this.#feed.subscribe(listener);
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    release(this.#driver);
  }

  /** Forgets the oldest removals; a position before them is refused by changesSince. */
  pruneTombstones(keep: number): void {
    const oldest = this.#prepare(SQL.tombstoneAt).get(keep)?.['revision'];
    if (oldest === undefined) return;
    this.#prepare(SQL.begin).run();
    this.#prepare(SQL.pruneTombstones).run(Number(oldest));
    this.#prepare(SQL.setMeta).run(Number(oldest), 'feedBeginsAt');
    this.#prepare(SQL.commit).run();
  }

  #apply(write: Write, revision: number): Change | undefined {
    return 'put' in write ? this.#put(write, revision) : this.#remove(write, revision);
  }

  #put(write: Put, revision: number): Change {
    const { put: kind, key, parent, type } = write;
    const current = this.#prepare(SQL.head).get(kind, key);
    checkExpected(kind, key, write.expect, current);
    this.#prepare(SQL.put).run(kind, key, parent, type, revision, JSON.stringify(write.body));
    if (current === undefined) this.#prepare(SQL.unbury).run(kind, key);
    return { revision, kind, key, parent, type, removed: false };
  }

  #remove(write: Remove, revision: number): Change | undefined {
    const { remove: kind, key } = write;
    const current = this.#prepare(SQL.head).get(kind, key);
    checkExpected(kind, key, write.expect, current);
    if (current === undefined) return undefined;
    const change = { ...toChange(current), revision, removed: true };
    this.#prepare(SQL.remove).run(kind, key);
    this.#prepare(SQL.bury).run(kind, key, change.parent, change.type, revision);
    return change;
  }

  #rollBack(): void {
    try {
      this.#prepare(SQL.rollback).run();
    } catch {
      // SQLite has ended the transaction itself (disk full, I/O error): nothing is left to undo.
    }
  }

  #meta(name: 'revision' | 'feedBeginsAt'): number {
    return Number(this.#prepare(SQL.meta).get(name)?.['value'] ?? 0);
  }

  #prepare(sql: string) {
    if (!this.#open) throw new StoreError(`the store ${this.#file} is closed`);
    return this.#statements.prepare(sql);
  }
}

function checkExpected(
  kind: Kind,
  key: string,
  expect: number | 'absent' | undefined,
  current: SqlRow | undefined,
): void {
  if (expect === undefined) return;
  const found = current === undefined ? 'absent' : Number(current['revision']);
  if (found === expect) return;
  const say = (state: number | 'absent') =>
    state === 'absent' ? 'absent' : `at revision ${state}`;
  throw new StoreConflict(kind, key, `${kind} ${key} is ${say(found)}, not ${say(expect)}`);
}

function assertDistinct(writes: readonly Write[]): void {
  const seen = new Set<string>();
  for (const write of writes) {
    const name = `${'put' in write ? write.put : write.remove} ${write.key}`;
    assert(!seen.has(name), `one commit writes ${name} twice`);
    seen.add(name);
  }
}
