// What nearly every command opens: output, and clients of the control plane it talks to.
import { ArmClient } from './client/arm-client.ts';
import { BlobClient } from './client/blob-client.ts';
import { findConnection } from './client/find-connection.ts';
import type { ClientConnection } from './client/find-connection.ts';
import { HttpClient } from './client/http.ts';
import type { CliContext } from './context.ts';
import type { CommonFlags, ServiceFlags } from './flags.ts';
import { Output } from './terminal/output.ts';
import { choosePaint } from './terminal/paint.ts';

export type Session = {
  readonly output: Output;
  readonly connection: ClientConnection;
  readonly http: HttpClient;
  readonly arm: ArmClient;
  readonly blobs: BlobClient;
};

export function openOutput(flags: Pick<CommonFlags, 'output'>, context: CliContext): Output {
  const { stdout, stderr } = context.process;
  const people = flags.output === 'json' ? stderr : stdout;
  const paint = choosePaint(people.isTTY === true, context.env);
  return new Output({ stdout, stderr, format: flags.output, paint });
}

/** Runs `work` with a session and closes its sockets, so that the process can end. */
export async function withSession<T>(
  flags: ServiceFlags,
  context: CliContext,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const connection = await findConnection(flags, context.env);
  const http = new HttpClient(connection, { clock: context.clock });
  const session = {
    output: openOutput(flags, context),
    connection,
    http,
    arm: new ArmClient(connection, { http, clock: context.clock }),
    blobs: new BlobClient(http),
  };
  try {
    return await work(session);
  } finally {
    await http.close();
  }
}
