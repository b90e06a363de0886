// A swap of one VM against a raw QEMU start of the same disk, in pairs; then a whole roll-out.
import { systemClock } from '../src/support/clock.ts';
import { type Comparison, median } from './measurement.ts';
import { findQemu, forwardedPort, timeRawStart, waitForExit } from './raw-start.ts';
import { isDown } from '../src/demo/fleet-watch.ts';
import { instanceOf, type Rig, settled, waitForStatus } from './rig.ts';

const API_VERSION = '2024-07-01';
const GUEST_PORT = 8080;

export async function measureSwap(rig: Rig, pairs: number): Promise<Comparison[]> {
  const limitSeconds: number[] = [];
  const oursSeconds: number[] = [];
  for (let pair = 1; pair <= pairs; pair += 1) {
    const { instances } = await settled(rig);
    const instance = instances[pair % instances.length];
    if (instance === undefined) throw new Error('the fleet is empty');
    limitSeconds.push(await rawStart(rig, instance.instanceId));
    await settled(rig);
    oursSeconds.push(await swap(rig, instance.instanceId));
    rig.say(
      `pair ${pair}: raw start ${limitSeconds.at(-1)?.toFixed(2)} s, swap ${oursSeconds.at(-1)?.toFixed(2)} s`,
    );
  }
  const rollOut = await timeRollOut(rig);
  const fleetLimit = median(limitSeconds) * (await settled(rig)).capacity;
  return [
    { name: 'swap of one VM, drain excluded', limitSeconds, oursSeconds, aim: 1.25 },
    {
      name: 'roll-out of five VMs, drains included',
      limitSeconds: [fleetLimit],
      oursSeconds: [rollOut],
      aim: 1.5,
    },
  ];
}

/** Powers the instance off from within, freezes the control plane before it notices, and measures. */
async function rawStart(rig: Rig, instanceId: string): Promise<number> {
  const instance = instanceOf(await settled(rig), instanceId);
  const vm = await findQemu(instance.name);
  await rig.session.exec(instance.name, '(sleep 1; systemctl poweroff) >/dev/null 2>&1 &');
  process.kill(rig.connection.pid, 'SIGSTOP');
  try {
    await waitForExit(vm.pid);
    return await timeRawStart(vm, `http://127.0.0.1:${forwardedPort(vm, GUEST_PORT)}/healthz`);
  } finally {
    process.kill(rig.connection.pid, 'SIGCONT');
    // Until it has noticed, the status is from before the freeze.
    await waitForStatus(rig, `${instance.name} to be missed`, (status) =>
      isDown(instanceOf(status, instanceId)),
    );
  }
}

/** A reimage to the version it has: what a roll-out does to one VM, without the wait for others. */
async function swap(rig: Rig, instanceId: string): Promise<number> {
  const orderedAt = systemClock.now();
  await rig.arm.run({
    method: 'POST',
    path: `${rig.scaleSetId}/reimage`,
    apiVersion: API_VERSION,
    body: { instanceIds: [instanceId] },
  });
  await settled(rig);
  const report = (await rig.session.fleet.swapReports()).find(
    (one) => one.instanceId === instanceId && Date.parse(one.startedAt) >= orderedAt,
  );
  if (report?.drainedAt == null || report.endedAt == null)
    throw new Error('the swap left no report');
  const { drainedAt, poweredOffAt, bootedAt, endedAt } = report;
  if (poweredOffAt != null && bootedAt != null) {
    const parts = [
      `power-off ${secondsBetween(drainedAt, poweredOffAt).toFixed(2)} s`,
      `until the OS answers ${secondsBetween(poweredOffAt, bootedAt).toFixed(2)} s`,
      `until Healthy and back ${secondsBetween(bootedAt, endedAt).toFixed(2)} s`,
    ];
    rig.say(`  ${parts.join(', ')}`);
  }
  return secondsBetween(drainedAt, endedAt);
}

/** Publishes another version of the same app; the run's own times, first VM to last. */
async function timeRollOut(rig: Rig): Promise<number> {
  rig.say('Rolling a new version over all five VMs.');
  await rig.session.ship('1.1.0', '--from', 'previous');
  const { run } = await settled(rig);
  if (run?.endTime == null) throw new Error('the roll-out left no run');
  return secondsBetween(run.startTime, run.endTime);
}

function secondsBetween(from: string, to: string): number {
  return (Date.parse(to) - Date.parse(from)) / 1000;
}
