// What every measurement stands on: a control plane of its own, the guestbook on five VMs, and the
// demo's traffic. It uses the same two doors as any client: the command line and ARM.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ArmClient } from '../src/cli/client/arm-client.ts';
import { HttpClient } from '../src/cli/client/http.ts';
import type { Connection, FleetStatus, InstanceStatus } from '../src/demo/schemas.ts';
import { isDown } from '../src/demo/fleet-watch.ts';
import { type Say, Session } from '../src/demo/session.ts';
import { systemClock } from '../src/support/clock.ts';

const SETTLE_TIMEOUT_MS = 180_000;
const SETTLE_POLL_MS = 100;

export type Rig = {
  readonly session: Session;
  readonly connection: Connection;
  readonly arm: ArmClient;
  /** ARM id of the resource group. */
  readonly groupId: string;
  readonly scaleSetId: string;
  readonly say: Say;
};

/** Runs `measure` on a fleet under traffic; everything is stopped and removed afterwards. */
export async function withRig<T>(say: Say, measure: (rig: Rig) => Promise<T>): Promise<T> {
  const interrupted = new AbortController();
  const interrupt = () => interrupted.abort(new Error('interrupted'));
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const session = await Session.begin(systemClock, say, interrupted.signal);
  try {
    await askOnce(session);
    say('Starting a control plane and five VMs of the guestbook.');
    const connection = await session.startControlPlane();
    await session.ship('1.0.0');
    session.startTraffic(await session.fleet.status());
    return await measure(await rigOf(session, connection, say));
  } finally {
    await session.end();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

/** The limits count until the first healthy answer, so one such answer is what Healthy means here. */
async function askOnce(session: Session): Promise<void> {
  const file = join(session.appFolder, 'rollset.yaml');
  const text = await readFile(file, 'utf8');
  if (!text.includes('probes: 2')) throw new Error(`${file} has no probes: 2 to replace`);
  await writeFile(file, text.replace('probes: 2', 'probes: 1'));
}

async function rigOf(session: Session, connection: Connection, say: Say): Promise<Rig> {
  const groupId = `/subscriptions/${connection.subscriptionId}/resourceGroups/guestbook-rg`;
  const { endpoint, subscriptionId, clientSecret } = connection;
  const client = {
    endpoint,
    subscriptionId,
    clientSecret,
    ca: await readFile(connection.caBundle, 'utf8'),
  };
  const http = new HttpClient(client, { clock: systemClock });
  const scaleSetId = `${groupId}/providers/Microsoft.Compute/virtualMachineScaleSets/guestbook`;
  const arm = new ArmClient(client, { http, clock: systemClock });
  return { session, connection, arm, groupId, scaleSetId, say };
}

/** The fleet once nothing is down and no run goes on. */
export async function settled(rig: Rig): Promise<FleetStatus> {
  return await waitForStatus(
    rig,
    'the fleet to settle',
    (status) =>
      status.instances.length === status.capacity &&
      !status.instances.some(isDown) &&
      status.run?.state !== 'RollingForward',
  );
}

/** Polls until `is` holds; a control plane that is just being started again may miss some polls. */
export async function waitForStatus(
  rig: Rig,
  what: string,
  is: (status: FleetStatus) => boolean,
  pollMs = SETTLE_POLL_MS,
): Promise<FleetStatus> {
  const deadline = systemClock.now() + SETTLE_TIMEOUT_MS;
  while (systemClock.now() < deadline) {
    const status = await rig.session.fleet.status();
    if (is(status)) return status;
    await systemClock.sleep(pollMs);
  }
  throw new Error(`waited ${SETTLE_TIMEOUT_MS / 1000} s for ${what}`);
}

export function instanceOf(status: FleetStatus, instanceId: string): InstanceStatus {
  const instance = status.instances.find((one) => one.instanceId === instanceId);
  if (instance === undefined) throw new Error(`the fleet has no instance ${instanceId}`);
  return instance;
}
