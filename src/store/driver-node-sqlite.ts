// The driver for Node 22.13 and later: the built-in `node:sqlite`.
import type { SqlDriver, SqlRow, SqlValue } from './driver.ts';

/** The part of `node:sqlite` used here; Node 20's type package does not know the module. */
type NodeSqlite = {
  readonly DatabaseSync: new (
    file: string,
  ) => {
    exec(sql: string): void;
    prepare(sql: string): {
      run(...values: SqlValue[]): unknown;
      get(...values: SqlValue[]): SqlRow | undefined;
      all(...values: SqlValue[]): SqlRow[];
    };
    close(): void;
  };
};

export async function openNodeSqlite(file: string): Promise<SqlDriver> {
  const specifier: string = 'node:sqlite';
  const { DatabaseSync } = (await import(specifier)) as NodeSqlite;
  const database = new DatabaseSync(file);
  return {
    name: 'node:sqlite',
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (...values) => void statement.run(...values),
        get: (...values) => statement.get(...values),
        all: (...values) => statement.all(...values),
      };
    },
    close: () => database.close(),
  };
}
