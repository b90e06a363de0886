// The secrets of one control plane, made at its first start and kept in DATA/secrets.json (0600).
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Ids } from '../support/ids.ts';
import { writeFileAtomically } from '../support/atomic-file.ts';

const secretsSchema = z.object({
  subscriptionId: z.uuid(),
  tenantId: z.uuid(),
  clientId: z.uuid(),
  /** The bearer token; full sign-in comes later. */
  clientSecret: z.string().min(32),
  /** Signs blob URLs. */
  sasKey: z.string().min(32),
});
export type Secrets = z.infer<typeof secretsSchema>;

/** Reads the secrets, or makes them at the first start. Throws one sentence on an unreadable file. */
export async function openSecrets(dataFolder: string, ids: Ids): Promise<Secrets> {
  const file = join(dataFolder, 'secrets.json');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text !== undefined) return parseSecrets(file, text);
  const secrets: Secrets = {
    subscriptionId: ids.uuid(),
    tenantId: ids.uuid(),
    clientId: ids.uuid(),
    clientSecret: randomBytes(32).toString('base64url'),
    sasKey: randomBytes(32).toString('base64'),
  };
  await writeFileAtomically(file, `${JSON.stringify(secrets, null, 2)}\n`, 0o600);
  return secrets;
}

function parseSecrets(file: string, text: string): Secrets {
  try {
    return secretsSchema.parse(JSON.parse(text));
  } catch (error) {
    const message = `${file} is not readable as secrets; restore it from a backup, or remove it: clients then need the new connection.json`;
    throw new Error(message, { cause: error });
  }
}
