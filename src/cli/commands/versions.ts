// `rollset versions`: what is published, which one the fleet follows, and why not the others.
import { parseGalleryImageId } from '../../model/gallery-image-id.ts';
import { compareImageVersions } from '../../model/image-version.ts';
import type { CliContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import type { FleetFlags } from '../flags.ts';
import { findScaleSet } from '../fleet/find-scale-set.ts';
import type { FleetStatus } from '../fleet/status.ts';
import { withSession } from '../session.ts';
import { findFleetStatus, listVersions } from '../ship/observe-target.ts';
import type { GalleryVersion } from '../ship/observe-target.ts';
import { formatTable } from '../terminal/table.ts';

export async function runVersions(context: CliContext, flags: FleetFlags): Promise<void> {
  await withSession(flags, context, async ({ arm, output }) => {
    const scaleSet = await findScaleSet(arm, flags, context.cwd);
    const image = parseGalleryImageId(scaleSet.imageId ?? '');
    if (image === undefined) {
      throw new CommandFailure(`${scaleSet.name} follows no gallery image: ${scaleSet.imageId}`);
    }
    const [versions, status] = await Promise.all([
      listVersions(arm, image.definitionId),
      findFleetStatus(arm, scaleSet.id),
    ]);
    const rows = describeVersions(versions, status);
    output.result(
      rows.map((row) => ({ ...row })),
      rows.length === 0
        ? ['there is no version yet: `rollset ship` makes the first one']
        : formatTable(
            [
              ['VERSION', 'PUBLISHED', 'INSTANCES', 'NOTE'],
              ...rows.map((row) => [
                row.version,
                row.published ?? '',
                String(row.instances),
                row.isLatest ? 'latest: the fleet follows it' : row.why,
              ]),
            ],
            output.paint,
          ),
    );
  });
}

type VersionRow = {
  readonly version: string;
  readonly state: string;
  readonly published: string | null;
  readonly instances: number;
  readonly isLatest: boolean;
  /** Empty for the latest. */
  readonly why: string;
};

/** Highest first. Pure. */
export function describeVersions(
  versions: readonly GalleryVersion[],
  status: FleetStatus | undefined,
): VersionRow[] {
  return versions
    .toSorted((a, b) => compareImageVersions(b.name, a.name))
    .map(({ name, provisioningState, publishedDate, excludeFromLatest }) => {
      const loss = status?.versions.losers.find((loser) => loser.name === name);
      const excluded = excludeFromLatest ? 'excluded from latest' : '';
      return {
        version: name,
        state: provisioningState,
        published: publishedDate ?? null,
        instances: status?.instances.filter((each) => each.version === name).length ?? 0,
        isLatest: status?.versions.latest === name,
        why: loss?.sentence ?? (provisioningState === 'Succeeded' ? excluded : provisioningState),
      };
    });
}
