// `rollset exec INSTANCE -- CMD`: runs a command as root in one VM and ends as it ended.
import type { CliContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import type { FleetFlags } from '../flags.ts';
import { findScaleSet, parseInstance } from '../fleet/find-scale-set.ts';
import { runInInstance } from '../fleet/run-command.ts';
import { shellQuote } from '../pipeline/shell-quote.ts';
import { withSession } from '../session.ts';

export async function runExec(
  context: CliContext,
  flags: FleetFlags,
  instance: string,
  ...command: string[]
): Promise<void> {
  if (command.length === 0) {
    throw new CommandFailure('give a command after --, e.g. rollset exec 0 -- uname -a');
  }
  await withSession(flags, context, async ({ arm, output }) => {
    const scaleSet = await findScaleSet(arm, flags, context.cwd);
    const instanceId = parseInstance(instance, scaleSet);
    // Each word arrives as it is, as with any program that runs another.
    const script = command.map(shellQuote).join(' ');
    const result = await runInInstance(arm, scaleSet.id, instanceId, script);
    if (output.isJson) output.result(result, []);
    else {
      output.raw(result.stdout);
      output.rawError(result.stderr);
    }
    context.process.exitCode = result.exitCode;
  });
}
