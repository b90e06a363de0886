// Finds the control plane a command talks to: --connection, --endpoint, or the one of --data.
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CONNECTION_FILE } from '../../model/connection.ts';
import type { Connection } from '../../model/connection.ts';
import { CommandFailure } from '../failure.ts';

export type ConnectionFlags = {
  readonly data?: string;
  readonly endpoint?: string;
  readonly connection?: string;
};

type Environment = Readonly<Partial<Record<string, string>>>;

/** What a client needs; with --endpoint there is no data folder and no process to know. */
export type ClientConnection = Pick<Connection, 'endpoint' | 'subscriptionId' | 'clientSecret'> & {
  /** PEM; absent: what Node trusts anyway. */
  readonly ca?: string;
};

const connectionSchema = z.object({
  endpoint: z.url(),
  caBundle: z.string(),
  tenantId: z.string(),
  subscriptionId: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  msiEndpoint: z.string().nullable(),
  portal: z.string().nullable(),
  data: z.string(),
  pid: z.int(),
});

/** `~/.rollset`, as root `/var/lib/rollset`. */
export function dataFolderOf(flags: Pick<ConnectionFlags, 'data'>): string {
  const isRoot = process.getuid?.() === 0;
  const byDefault = isRoot ? '/var/lib/rollset' : join(homedir(), '.rollset');
  return resolve(flags.data ?? byDefault);
}

/** Throws CommandFailure: one sentence that says what to start or to give. */
export async function findConnection(
  flags: ConnectionFlags,
  env: Environment,
): Promise<ClientConnection> {
  if (flags.connection !== undefined) {
    const connection = await readConnection(resolve(flags.connection));
    if (connection !== undefined) return withCa(connection);
    throw new CommandFailure(`--connection ${flags.connection}: there is no such file`);
  }
  if (flags.endpoint !== undefined) return fromEnvironment(flags.endpoint, env);
  const connection = await readDataConnection(flags);
  return withCa(connection);
}

/** The connection of a control plane that runs, or ran, on the data folder. */
export async function readDataConnection(
  flags: Pick<ConnectionFlags, 'data'>,
): Promise<Connection> {
  const data = dataFolderOf(flags);
  const connection = await readConnection(join(data, CONNECTION_FILE));
  if (connection !== undefined) return connection;
  throw new CommandFailure(
    `no control plane runs on ${data}: start one with \`rollset up${flags.data === undefined ? '' : ` --data ${flags.data}`}\``,
  );
}

/** Undefined when there is no such file. Throws CommandFailure for one that cannot be read. */
export async function readConnection(file: string): Promise<Connection | undefined> {
  try {
    return connectionSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT') return undefined;
    if (code === 'EACCES') {
      throw new CommandFailure(
        `${file} is closed to you: use the account that runs \`rollset up\``,
      );
    }
    throw new CommandFailure(`${file} is no connection file: \`rollset up\` writes it anew`, {
      cause: error,
    });
  }
}

async function withCa(connection: Connection): Promise<ClientConnection> {
  const { endpoint, subscriptionId, clientSecret, caBundle } = connection;
  const ca = await readFile(caBundle, 'utf8').catch((error: unknown) => {
    throw new CommandFailure(`the CA certificate ${caBundle} cannot be read: ${String(error)}`, {
      cause: error,
    });
  });
  return { endpoint, subscriptionId, clientSecret, ca };
}

/** The variables that `rollset env` prints; NODE_EXTRA_CA_CERTS is Node's own affair. */
function fromEnvironment(endpoint: string, env: Environment): ClientConnection {
  const subscriptionId = env['AZURE_SUBSCRIPTION_ID'];
  const clientSecret = env['AZURE_CLIENT_SECRET'];
  if (!URL.canParse(endpoint) || !endpoint.startsWith('https://')) {
    throw new CommandFailure(`--endpoint ${endpoint}: expected https://host:port`);
  }
  if (!subscriptionId || !clientSecret) {
    throw new CommandFailure(
      '--endpoint needs AZURE_SUBSCRIPTION_ID and AZURE_CLIENT_SECRET in the environment (see `rollset env`), or --connection FILE',
    );
  }
  return { endpoint: endpoint.replace(/\/+$/, ''), subscriptionId, clientSecret };
}
