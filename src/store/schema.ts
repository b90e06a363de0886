// The schema as numbered migrations; `user_version` says which ones a file has.
//
// The SQL keeps to what SQLite and PostgreSQL share. A migration is never edited once released:
// a change is a new one at the end.
import type { SqlDriver } from './driver.ts';
import { StoreError } from './errors.ts';

const MIGRATIONS: readonly string[] = [
  // 1: documents with their lists, what was removed, and the counters.
  `CREATE TABLE documents (
     kind TEXT NOT NULL,
     key TEXT NOT NULL,
     parent TEXT NOT NULL,
     type TEXT NOT NULL,
     revision BIGINT NOT NULL,
     body TEXT NOT NULL,
     PRIMARY KEY (kind, key)
   );
   CREATE INDEX documents_by_parent ON documents (kind, parent, key);
   CREATE INDEX documents_by_type ON documents (kind, type, key);
   CREATE INDEX documents_by_parent_and_type ON documents (kind, parent, type, key);
   CREATE INDEX documents_by_revision ON documents (revision);
   CREATE TABLE tombstones (
     kind TEXT NOT NULL,
     key TEXT NOT NULL,
     parent TEXT NOT NULL,
     type TEXT NOT NULL,
     revision BIGINT NOT NULL,
     PRIMARY KEY (kind, key)
   );
   CREATE INDEX tombstones_by_revision ON tombstones (revision);
   CREATE TABLE meta (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
   INSERT INTO meta (name, value) VALUES ('revision', 0), ('feedBeginsAt', 0);`,
];

export const SCHEMA_VERSION = MIGRATIONS.length;

/** Brings a file to the newest schema, each migration in a transaction of its own. */
export function migrate(driver: SqlDriver, file: string): void {
  const found = Number(driver.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  if (found > SCHEMA_VERSION) {
    throw new StoreError(
      `${file} was written by a newer Rollset (schema ${found}, this one knows ${SCHEMA_VERSION}); run that version or newer, or choose another --data folder`,
    );
  }
  for (const [index, sql] of MIGRATIONS.entries()) {
    if (index < found) continue;
    driver.exec(`BEGIN IMMEDIATE; ${sql} PRAGMA user_version = ${index + 1}; COMMIT`);
  }
}
