// The driver for Node 20: the `libsql` package, whose API is that of better-sqlite3.
import type { SqlDriver, SqlRow } from './driver.ts';

export async function openLibsql(file: string): Promise<SqlDriver> {
  const { default: Database } = await import('libsql');
  // No waiting for locks: whoever holds the file holds it for its lifetime.
  const database = new Database(file, { timeout: 0 });
  return {
    name: 'libsql',
    exec: (sql) => void database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      return {
        run: (...values) => void statement.run(...values),
        get: (...values) => statement.get(...values) as SqlRow | undefined,
        all: (...values) => statement.all(...values) as SqlRow[],
      };
    },
    close: () => void database.close(),
  };
}
