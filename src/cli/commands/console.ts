// `rollset console INSTANCE`: what one VM wrote to its serial console.
import { z } from 'zod';
import type { CliContext } from '../context.ts';
import type { FleetFlags } from '../flags.ts';
import { findScaleSet, parseInstance } from '../fleet/find-scale-set.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';
import { withSession } from '../session.ts';

const bootDiagnosticsSchema = z.looseObject({ serialConsoleLogBlobUri: z.url() });

export async function runConsole(
  context: CliContext,
  flags: FleetFlags,
  instance: string,
): Promise<void> {
  await withSession(flags, context, async ({ arm, blobs, output }) => {
    const scaleSet = await findScaleSet(arm, flags, context.cwd);
    const instanceId = parseInstance(instance, scaleSet);
    const answer = await arm.run({
      method: 'POST',
      path: `${scaleSet.id}/virtualMachines/${instanceId}/retrieveBootDiagnosticsData`,
      apiVersion: API_VERSIONS.compute,
    });
    const { serialConsoleLogBlobUri } = bootDiagnosticsSchema.parse(answer);
    const text = (await blobs.readFrom(serialConsoleLogBlobUri, 0)).toString('utf8');
    if (output.isJson) output.result({ instanceId, console: text }, []);
    else output.raw(text.endsWith('\n') || text === '' ? text : `${text}\n`);
  });
}
