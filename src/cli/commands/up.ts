// `rollset up`: the control plane, in this process or in one of its own.
import type { CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import type { Connection } from '../../model/connection.ts';
import { dataFolderOf } from '../client/find-connection.ts';
import { openOutput } from '../session.ts';
import type { Output } from '../terminal/output.ts';
import { startDetached } from '../up/detach.ts';
import { parseListen } from '../up/listen.ts';

export type UpFlags = CommonFlags & {
  readonly data?: string;
  readonly listen: string;
  readonly engine: 'qemu' | 'simulated';
  readonly detach: boolean;
};

export async function runUp(context: CliContext, flags: UpFlags): Promise<void> {
  const output = openOutput(flags, context);
  const dataFolder = dataFolderOf(flags);
  const listen = parseListen(flags.listen);
  if (flags.detach) {
    const connection = await startDetached({ ...flags, dataFolder }, context);
    announce(connection, flags, output);
    return;
  }
  const stop = new AbortController();
  const off = context.onInterrupt((signal) => {
    // Asked twice, it does not wait for open requests; the store survives either way.
    if (stop.signal.aborted) context.exit(1);
    stop.abort(new Error(signal));
  });
  try {
    const [{ runControlPlane }, { createLogger }] = await Promise.all([
      import('../../server/up.ts'),
      import('../up/logger.ts'),
    ]);
    const { connection, engine, closed } = await runControlPlane({
      dataFolder,
      listen,
      engine: flags.engine,
      logger: createLogger(context.process.stderr.isTTY === true, flags.debug),
      signal: stop.signal,
    });
    announce(connection, { ...flags, engine }, output);
    await closed;
  } finally {
    off();
  }
  const ended =
    'the control plane has stopped; VMs go on running, and `rollset up` takes them over again';
  if (stop.signal.aborted) output.line(ended);
}

/** With `--output json` the first line on stdout is the connection. */
function announce(
  connection: Connection,
  flags: { readonly engine: string; readonly data?: string },
  output: Output,
): void {
  const { paint } = output;
  const dataHint = flags.data === undefined ? '' : ` --data ${flags.data}`;
  output.result({ ...connection }, [
    `${paint('green', 'rollset is up')} at ${paint('bold', connection.endpoint)}  (process ${connection.pid})`,
    `  data    ${connection.data}`,
    `  engine  ${flags.engine}`,
    `  next    rollset ship${dataHint}   or   eval "$(rollset env${dataHint})"`,
  ]);
}
