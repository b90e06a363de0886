// `rollset status`: the fleet now, once.
import type { CliContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import type { FleetFlags } from '../flags.ts';
import { findScaleSet } from '../fleet/find-scale-set.ts';
import { addressesOf, reasonOf, renderRollout } from '../fleet/render.ts';
import { formatTable } from '../terminal/table.ts';
import { withSession } from '../session.ts';
import { findFleetStatus } from '../ship/observe-target.ts';
import type { Json } from '../../model/resource.ts';

export async function runStatus(context: CliContext, flags: FleetFlags): Promise<void> {
  await withSession(flags, context, async ({ arm, output }) => {
    const scaleSet = await findScaleSet(arm, flags, context.cwd);
    const status = await findFleetStatus(arm, scaleSet.id);
    if (status === undefined) throw new CommandFailure(`${scaleSet.id} is gone`);
    const { paint } = output;
    const rows = status.instances.map((each) => [
      each.name,
      each.power,
      each.health,
      each.version ?? '',
      each.balancer,
      reasonOf(each),
    ]);
    const addresses = addressesOf(status);
    const header = ['INSTANCE', 'POWER', 'HEALTH', 'VERSION', 'BALANCER', 'WAITS FOR'];
    output.result({ scaleSet: scaleSet.name, id: scaleSet.id, ...status } as unknown as Json, [
      ...renderRollout(status, { paint, now: context.clock.now() }).slice(0, 1),
      ...(addresses.length > 0 ? [`served at ${addresses.join(', ')}`] : []),
      '',
      ...formatTable([header, ...rows], paint),
    ]);
  });
}
