// The driver port: as much of a synchronous SQLite binding as the store needs, and which one to use.
//
// Node 22.13 and later bring `node:sqlite`; on Node 20 the `libsql` package does the same work
// without a compiler. Both speak to one connection, synchronously, so a transaction never yields.
import { openLibsql } from './driver-libsql.ts';
import { openNodeSqlite } from './driver-node-sqlite.ts';

export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, unknown>>;

export interface SqlStatement {
  run(...values: SqlValue[]): void;
  get(...values: SqlValue[]): SqlRow | undefined;
  all(...values: SqlValue[]): SqlRow[];
}

export interface SqlDriver {
  readonly name: DriverName;
  exec(sql: string): void;
  prepare(sql: string): SqlStatement;
  close(): void;
}

export type DriverName = 'node:sqlite' | 'libsql';

/** First Node with `node:sqlite` free of its start-up flag. */
const NODE_SQLITE_SINCE = [22, 13] as const;

export function chooseDriver(nodeVersion: string): DriverName {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const [sinceMajor, sinceMinor] = NODE_SQLITE_SINCE;
  const has = major > sinceMajor || (major === sinceMajor && minor >= sinceMinor);
  return has ? 'node:sqlite' : 'libsql';
}

export function openDriver(name: DriverName, file: string): Promise<SqlDriver> {
  return name === 'node:sqlite' ? openNodeSqlite(file) : openLibsql(file);
}
