// Waits until a fleet is on a version, and shows it on the way.
import type { Clock } from '../../support/clock.ts';
import type { ArmClient, Operation } from '../client/arm-client.ts';
import { describeChanges } from '../fleet/changes.ts';
import { renderRollout } from '../fleet/render.ts';
import type { FleetStatus } from '../fleet/status.ts';
import type { Output } from '../terminal/output.ts';
import type { Interrupt } from './interrupt.ts';
import { judgeFleet, noteProgress, NO_PROGRESS } from './judge-fleet.ts';
import type { FleetGoal, FleetVerdict } from './judge-fleet.ts';
import { findFleetStatus } from './observe-target.ts';

export type RollOutParts = {
  readonly arm: ArmClient;
  readonly clock: Clock;
  readonly output: Output;
  readonly interrupt: Interrupt;
};

export type RollOutEnd = {
  readonly verdict: Exclude<FleetVerdict, { kind: 'wait' }> | { readonly kind: 'interrupted' };
  readonly status: FleetStatus | undefined;
};

/** `changes`: accepted changes of the set itself, whose failure ends the wait. */
export async function followRollOut(
  scaleSetId: string,
  goal: FleetGoal,
  changes: readonly Operation[],
  parts: RollOutParts,
): Promise<RollOutEnd> {
  const { arm, clock, output, interrupt } = parts;
  const startedAt = clock.now();
  let progress = NO_PROGRESS;
  let status: FleetStatus | undefined;
  let open = [...changes];
  for (;;) {
    const before = status;
    status = await findFleetStatus(arm, scaleSetId);
    const now = clock.now();
    const states = await Promise.all(open.map(async (each) => [each, await each.poll()] as const));
    const failed = states.map(([, state]) => state).find((state) => 'error' in state);
    open = states.filter(([, state]) => state.status === 'InProgress').map(([each]) => each);
    if (status !== undefined) {
      show(before, status, { ...parts, goal, startedAt });
      progress = noteProgress(progress, status, goal, now);
      const verdict = judgeFleet(status, goal, progress, now);
      if (verdict.kind !== 'wait') return finish(verdict);
    }
    if (failed !== undefined && 'error' in failed) {
      return finish({ kind: 'stopped', sentence: failed.error.message, touched: true });
    }
    if (interrupt.requested) return finish({ kind: 'interrupted' });
    await interrupt.cutShort((signal) => arm.pause(signal));
  }

  function finish(verdict: RollOutEnd['verdict']): RollOutEnd {
    output.keepLive();
    return { verdict, status };
  }
}

function show(
  before: FleetStatus | undefined,
  status: FleetStatus,
  parts: RollOutParts & { readonly goal: FleetGoal; readonly startedAt: number },
): void {
  const { output, clock, goal, startedAt } = parts;
  const now = clock.now();
  const target = goal.version;
  if (output.isLive) {
    output.live(renderRollout(status, { paint: output.paint, now, target }));
    return;
  }
  const seconds = ((now - startedAt) / 1000).toFixed(1);
  for (const line of describeChanges(before, status, { target, now })) {
    output.line(`[${seconds}s] ${line}`);
  }
}
