// `rollset logs INSTANCE`: what the app said in one VM, from its journal.
import type { CliContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import type { FleetFlags } from '../flags.ts';
import { findScaleSet, parseInstance } from '../fleet/find-scale-set.ts';
import { runInInstance } from '../fleet/run-command.ts';
import { shellQuote } from '../pipeline/shell-quote.ts';
import { withSession } from '../session.ts';

type LogFlags = FleetFlags & { readonly unit?: string; readonly lines: number };

export async function runLogs(
  context: CliContext,
  flags: LogFlags,
  instance: string,
): Promise<void> {
  await withSession(flags, context, async ({ arm, output }) => {
    const scaleSet = await findScaleSet(arm, flags, context.cwd);
    const instanceId = parseInstance(instance, scaleSet);
    const unit = flags.unit ?? scaleSet.name;
    const script = `journalctl --no-pager -o short-iso -n ${flags.lines} -u ${shellQuote(unit)}`;
    const result = await runInInstance(arm, scaleSet.id, instanceId, script);
    if (result.exitCode !== 0) {
      throw new CommandFailure(
        `journalctl ended with ${result.exitCode} in ${scaleSet.name}_${instanceId}: ${result.stderr.trim()}`,
      );
    }
    const lines = result.stdout.split('\n').filter((line) => line !== '');
    output.result({ instanceId, unit, lines }, lines);
  });
}
