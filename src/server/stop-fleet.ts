// `rollset down`: every VM powered off gracefully, then the balancer. State stays on disk.
import type { Logger } from 'pino';
import type { Clock } from '../support/clock.ts';
import type { OpenedEngine } from './open-engine.ts';

/** A guest that has not powered off by then is cut off. */
const GRACE_MS = 20_000;

/** The reconcilers must be closed before: they would start the VMs again. */
export async function stopFleet(
  { engine, balancer }: OpenedEngine,
  clock: Clock,
  logger: Logger,
): Promise<void> {
  const began = clock.now();
  const running = (await engine.list()).filter((vm) => vm.power === 'running');
  const stopped = await Promise.allSettled(
    running.map(({ vmId }) => engine.powerOff(vmId, { graceMs: GRACE_MS })),
  );
  for (const result of stopped) {
    if (result.status === 'rejected')
      logger.error({ err: result.reason }, 'a VM did not power off');
  }
  await balancer.shutdown();
  logger.info({ vms: running.length, ms: clock.now() - began }, 'the fleet is powered off');
}
