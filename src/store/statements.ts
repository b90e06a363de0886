// The SQL of the store and its rows. Statements are prepared once and kept.
import type { SqlDriver, SqlRow, SqlStatement, SqlValue } from './driver.ts';
import type { Change, Documents, Kind, ListFilter, Stored } from './store.ts';

/** Greater than every text that continues a prefix, in UTF-8 byte order. */
const AFTER_EVERYTHING = '\u{10FFFF}';

export class Statements {
  readonly #driver: SqlDriver;
  readonly #prepared = new Map<string, SqlStatement>();

  constructor(driver: SqlDriver) {
    this.#driver = driver;
  }

  /** `sql` must come from a fixed set of texts: the cache has no other limit. */
  prepare(sql: string): SqlStatement {
    let statement = this.#prepared.get(sql);
    if (statement === undefined) {
      statement = this.#driver.prepare(sql);
      this.#prepared.set(sql, statement);
    }
    return statement;
  }
}

export const SQL = {
  begin: 'BEGIN IMMEDIATE',
  commit: 'COMMIT',
  rollback: 'ROLLBACK',
  get: 'SELECT kind, key, parent, type, revision, body FROM documents WHERE kind = ? AND key = ?',
  head: 'SELECT kind, key, parent, type, revision FROM documents WHERE kind = ? AND key = ?',
  put: `INSERT INTO documents (kind, key, parent, type, revision, body) VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (kind, key) DO UPDATE SET parent = excluded.parent, type = excluded.type,
          revision = excluded.revision, body = excluded.body`,
  remove: 'DELETE FROM documents WHERE kind = ? AND key = ?',
  bury: 'INSERT INTO tombstones (kind, key, parent, type, revision) VALUES (?, ?, ?, ?, ?)',
  unbury: 'DELETE FROM tombstones WHERE kind = ? AND key = ?',
  changes: `SELECT kind, key, parent, type, revision, 0 AS removed FROM documents WHERE revision > ?
            UNION ALL
            SELECT kind, key, parent, type, revision, 1 AS removed FROM tombstones WHERE revision > ?
            ORDER BY revision, kind, key`,
  meta: 'SELECT value FROM meta WHERE name = ?',
  setMeta: 'UPDATE meta SET value = ? WHERE name = ?',
  tombstoneAt: 'SELECT revision FROM tombstones ORDER BY revision DESC LIMIT 1 OFFSET ?',
  pruneTombstones: 'DELETE FROM tombstones WHERE revision <= ?',
} as const;

/** The list query for a filter: one of at most 32 texts, and its values. */
export function listQuery(kind: Kind, filter: ListFilter): { sql: string; values: SqlValue[] } {
  const where = ['kind = ?'];
  const values: SqlValue[] = [kind];
  const and = (condition: string, ...more: SqlValue[]) => {
    where.push(condition);
    values.push(...more);
  };
  if (filter.parent !== undefined) and('parent = ?', filter.parent);
  if (filter.type !== undefined) and('type = ?', filter.type);
  if (filter.keyPrefix !== undefined && filter.keyPrefix !== '') {
    and('key >= ? AND key < ?', filter.keyPrefix, filter.keyPrefix + AFTER_EVERYTHING);
  }
  if (filter.after !== undefined) and('key > ?', filter.after);
  let sql = `SELECT kind, key, parent, type, revision, body FROM documents WHERE ${where.join(' AND ')} ORDER BY key`;
  if (filter.limit !== undefined) {
    sql += ' LIMIT ?';
    values.push(filter.limit);
  }
  return { sql, values };
}

/** Rows are our own writing: the columns are trusted, damage is SQLite's to report. */
export function toStored<K extends Kind>(kind: K, row: SqlRow): Stored<K> {
  return {
    kind,
    key: String(row['key']),
    parent: String(row['parent']),
    type: String(row['type']),
    revision: Number(row['revision']),
    body: JSON.parse(String(row['body'])) as Documents[K],
  };
}

export function toChange(row: SqlRow): Change {
  return {
    revision: Number(row['revision']),
    kind: String(row['kind']) as Kind,
    key: String(row['key']),
    parent: String(row['parent']),
    type: String(row['type']),
    removed: Number(row['removed']) === 1,
  };
}
