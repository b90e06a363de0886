// DATA/connection.json: how clients on this machine find and may use the control plane.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CONNECTION_FILE, type Connection } from '../model/connection.ts';
import { writeFileAtomically } from '../support/atomic-file.ts';

/** It holds the token, so it is ours alone (0600). Whole or absent, whatever happens. */
export async function writeConnection(connection: Connection): Promise<void> {
  const file = join(connection.data, CONNECTION_FILE);
  await writeFileAtomically(file, `${JSON.stringify(connection, null, 2)}\n`, 0o600);
}

/** After the last answer: a client that finds no file knows that nothing runs. */
export async function removeConnection(dataFolder: string): Promise<void> {
  await rm(join(dataFolder, CONNECTION_FILE), { force: true });
}
