// `rollset watch`: the fleet, live, until Ctrl-C.
import type { CliContext } from '../context.ts';
import type { FleetFlags } from '../flags.ts';
import type { Json } from '../../model/resource.ts';
import { describeChanges } from '../fleet/changes.ts';
import { findScaleSet } from '../fleet/find-scale-set.ts';
import { renderRollout } from '../fleet/render.ts';
import type { FleetStatus } from '../fleet/status.ts';
import { withSession } from '../session.ts';
import { Interrupt } from '../ship/interrupt.ts';
import { findFleetStatus } from '../ship/observe-target.ts';

export async function runWatch(context: CliContext, flags: FleetFlags): Promise<void> {
  const interrupt = new Interrupt(context);
  try {
    await withSession(flags, context, async ({ arm, output }) => {
      const scaleSet = await findScaleSet(arm, flags, context.cwd);
      let before: FleetStatus | undefined;
      while (!interrupt.requested) {
        const status = await findFleetStatus(arm, scaleSet.id);
        if (status === undefined) {
          output.line(`${scaleSet.name} is gone`);
          return;
        }
        const now = context.clock.now();
        const news = describeChanges(before, status, { now });
        if (output.isJson && (before === undefined || news.length > 0)) {
          output.result(status as unknown as Json, []);
        } else if (output.isLive) {
          output.live(renderRollout(status, { paint: output.paint, now }));
        } else {
          for (const line of news) output.line(`${new Date(now).toISOString()} ${line}`);
        }
        before = status;
        await interrupt.cutShort((signal) => arm.pause(signal));
      }
      output.keepLive();
    });
  } finally {
    interrupt.dispose();
  }
}
