// `rollset history`: the roll-outs of the last two months, newest first.
import { z } from 'zod';
import type { CliContext } from '../context.ts';
import type { FleetFlags } from '../flags.ts';
import { findScaleSet } from '../fleet/find-scale-set.ts';
import { elapsed } from '../fleet/render.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';
import { withSession } from '../session.ts';
import { formatTable } from '../terminal/table.ts';

const entrySchema = z.looseObject({
  properties: z.looseObject({
    runningStatus: z.looseObject({
      code: z.string(),
      startTime: z.string(),
      endTime: z.string().nullish(),
    }),
    progress: z.looseObject({
      successfulInstanceCount: z.int().default(0),
      failedInstanceCount: z.int().default(0),
      inProgressInstanceCount: z.int().default(0),
      pendingInstanceCount: z.int().default(0),
    }),
    startedBy: z.string().default('Unknown'),
    targetImageReference: z.looseObject({ exactVersion: z.string().nullish() }).nullish(),
    rollbackInfo: z
      .looseObject({ successfullyRolledbackInstanceCount: z.int().default(0) })
      .nullish(),
    error: z.looseObject({ code: z.string(), message: z.string() }).nullish(),
  }),
});
type Entry = z.infer<typeof entrySchema>['properties'];

const HEADER = ['STARTED', 'VERSION', 'STATE', 'TOOK', 'BY', 'DONE', 'FAILED', 'RESTORED', 'LEFT'];

export async function runHistory(context: CliContext, flags: FleetFlags): Promise<void> {
  await withSession(flags, context, async ({ arm, output }) => {
    const scaleSet = await findScaleSet(arm, flags, context.cwd);
    const bodies = await arm.list(`${scaleSet.id}/osUpgradeHistory`, API_VERSIONS.compute);
    const entries = bodies.map((body) => entrySchema.parse(body).properties);
    const lines = entries.flatMap((entry) => {
      const { error } = entry;
      return error ? [`${versionOf(entry)}: ${error.message} (${error.code})`] : [];
    });
    output.result(
      bodies,
      entries.length === 0
        ? [`${scaleSet.name} has had no roll-out yet`]
        : [
            ...formatTable(
              [HEADER, ...entries.map((e) => toRow(e, context.clock.now()))],
              output.paint,
            ),
            ...lines.map((line) => output.paint('red', line)),
          ],
    );
  });
}

function toRow(entry: Entry, now: number): string[] {
  const { runningStatus, progress, rollbackInfo, startedBy } = entry;
  return [
    runningStatus.startTime.replace(/\.\d+Z$/, 'Z'),
    versionOf(entry),
    runningStatus.code,
    elapsed(runningStatus.startTime, runningStatus.endTime, now),
    startedBy,
    String(progress.successfulInstanceCount),
    String(progress.failedInstanceCount),
    String(rollbackInfo?.successfullyRolledbackInstanceCount ?? 0),
    String(progress.inProgressInstanceCount + progress.pendingInstanceCount),
  ];
}

function versionOf({ targetImageReference }: Entry): string {
  return targetImageReference?.exactVersion ?? '?';
}
