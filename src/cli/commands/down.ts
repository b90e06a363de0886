// `rollset down`: stops the VMs gracefully, then the control plane; all state stays.
import { join } from 'node:path';
import type { CliContext } from '../context.ts';
import { dataFolderOf, findConnection, readConnection } from '../client/find-connection.ts';
import { ContactLost } from '../client/errors.ts';
import { HttpClient } from '../client/http.ts';
import { CommandFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { CONNECTION_FILE } from '../../model/connection.ts';
import type { Connection } from '../../model/connection.ts';
import { openOutput } from '../session.ts';

type DownFlags = CommonFlags & { readonly data?: string };

/** Guests get half a minute to power off, all at once; then they are ended. */
const STOP_TIMEOUT_MS = 180_000;
const STOP_POLL_MS = 100;

export async function runDown(context: CliContext, flags: DownFlags): Promise<void> {
  const output = openOutput(flags, context);
  const data = dataFolderOf(flags);
  const connection = await readConnection(join(data, CONNECTION_FILE));
  if (connection === undefined || !isAlive(connection.pid)) {
    output.result({ data, stopped: false }, [
      `no control plane runs on ${data}: there is nothing to stop (VMs it may have left are stopped by \`rollset up\` and then \`rollset down\`)`,
    ]);
    return;
  }
  const startedAt = context.clock.now();
  await askToStop(connection, flags, context);
  output.line(`stopping the VMs of ${connection.endpoint}`);
  while (isAlive(connection.pid)) {
    if (context.clock.now() - startedAt >= STOP_TIMEOUT_MS) {
      throw new CommandFailure(
        `the control plane (process ${connection.pid}) still runs after ${STOP_TIMEOUT_MS / 1000} s: see \`rollset status\``,
      );
    }
    await context.clock.sleep(STOP_POLL_MS);
  }
  const seconds = Math.round((context.clock.now() - startedAt) / 100) / 10;
  output.result({ data, stopped: true, seconds }, [
    `stopped the VMs and the control plane in ${seconds}s; all data stays in ${data}`,
  ]);
}

async function askToStop(
  connection: Connection,
  flags: DownFlags,
  context: CliContext,
): Promise<void> {
  const client = await findConnection(flags, context.env);
  const http = new HttpClient(client, { clock: context.clock });
  try {
    const answer = await http.send({
      method: 'POST',
      url: `${connection.endpoint}/rollset/down`,
      authorize: true,
    });
    if (answer.status === 202) return;
    throw new CommandFailure(
      `the control plane refused to stop: HTTP ${answer.status} ${answer.body.toString('utf8').slice(0, 300)}`,
    );
  } catch (error) {
    if (!(error instanceof ContactLost)) throw error;
    throw new CommandFailure(
      `process ${connection.pid} holds ${connection.data} but ${connection.endpoint} does not answer: if it hangs, end it (kill ${connection.pid}); VMs go on, and \`rollset up\` takes them over`,
      { cause: error },
    );
  } finally {
    await http.close();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
