// The main job told as a story: three versions of one app on five real VMs, with traffic throughout.
import { changedFiles, countFiles, type EntryHashes, lostEntries } from './entry-files.ts';
import { changeTo, entriesOf, type Exec, versionsOf } from './guestbook.ts';
import { INSTANCES } from './limits.ts';
import type { Observations, Restore, RollOut } from './proof.ts';
import type { FleetStatus, SwapReport } from './schemas.ts';
import type { Say, Session } from './session.ts';
import type { RequestCount, Traffic } from './traffic.ts';

/** Throws one sentence when a step the rest depends on fails; otherwise everything ends in figures. */
export async function runDemo(session: Session, say: Say): Promise<Observations> {
  const { clock } = session;
  const exec: Exec = (name, command) => session.exec(name, command);
  const startedAt = clock.now();
  const phases: Record<string, number> = {};
  const timed = async <T>(phase: string, work: () => Promise<T>): Promise<T> => {
    const from = clock.now();
    const result = await work();
    phases[phase] = seconds(from, clock.now());
    return result;
  };

  say('Starting a control plane: it speaks Azure Resource Manager and runs real VMs on QEMU.');
  const connection = await timed('control plane', () => session.startControlPlane());
  say(`It listens on ${connection.endpoint}.`);

  say(`Shipping 1.0.0: bakes the guestbook into a VM image and starts ${INSTANCES} VMs from it.`);
  await timed('1.0.0: bake, first fleet', () => session.ship('1.0.0'));
  const first = await session.fleet.status();
  const { traffic, watch, url } = session.startTraffic(first);
  say(`The guestbook answers at ${url}. From here on clients read and write without a pause.`);

  say('Shipping 2.0.0: entries may be signed. The fleet follows by itself, one VM at a time.');
  const v2 = await timed('2.0.0: bake, roll-out', () => rollOut(session, traffic, '2.0.0'));

  say('Shipping 3.0.0: its migration fails on the entries of 2.0.0, which no fresh VM can show.');
  const v3 = await timed('3.0.0: bake, restore', () => rollOut(session, traffic, '3.0.0'));

  say('Reading every entry back from the instance that took it.');
  await session.stopTraffic();
  const fleet = await session.fleet.status();
  const lost = await timed('proof', async () =>
    lostEntries(traffic.acknowledged, await entriesOf(fleet, exec)),
  );
  const restore = restoreOf(fleet, await session.fleet.swapReports());
  return {
    seconds: seconds(startedAt, clock.now()),
    phases,
    capacity: fleet.capacity,
    requests: traffic.count(),
    failures: traffic.failures,
    mostDown: watch.mostDown,
    samples: watch.samples,
    entriesWritten: traffic.acknowledged.length,
    lost: lost.map(({ instance, id }) => `${instance}/${id}`),
    v2,
    v3: { ...v3, ...(restore === undefined ? {} : { restore }) },
    versions: await versionsOf(fleet, exec),
  };
}

/** Ships one later version and gathers what it did to files, disks and requests. */
async function rollOut(session: Session, traffic: Traffic, version: string): Promise<RollOut> {
  await changeTo(version, session.appFolder);
  const before = await session.hashEntries();
  const requestsBefore = traffic.count();
  const { exitCode } = await session.ship(version, '--from', 'previous');
  const requests = difference(requestsBefore, traffic.count());
  const after = await session.hashEntries();
  const reports = await session.fleet.swapReports();
  return {
    shipExitCode: exitCode,
    versionsAfter: await versionsOf(await session.fleet.status(), (name, command) =>
      session.exec(name, command),
    ),
    ...filesOf(before, after),
    ...swapsOf(reports, version),
    requests,
  };
}

function filesOf(before: EntryHashes, after: EntryHashes) {
  return { filesBefore: countFiles(before), changedFiles: changedFiles(before, after) };
}

/** A restore goes back to the version before: it belongs to the roll-out that made it necessary. */
function swapsOf(reports: readonly SwapReport[], version: string) {
  const own = reports.filter(
    (report) => report.toVersion === version || (version === '3.0.0' && report.kind === 'restore'),
  );
  const other = own.filter((report) => !report.dataDisksIdentical);
  return {
    swaps: own.length,
    swapsWithOtherDisks: other.map((report) => `instance ${report.instanceId}, ${report.kind}`),
  };
}

/** From the run's own record of the instance it restored, and that instance's restore report. */
function restoreOf(fleet: FleetStatus, reports: readonly SwapReport[]): Restore | undefined {
  const report = reports.find(({ kind }) => kind === 'restore');
  const upgrade = report && fleet.run?.instances[report.instanceId];
  if (report === undefined || upgrade === undefined || report.healthyAt == null) return undefined;
  const name = fleet.instances.find(({ instanceId }) => instanceId === report.instanceId)?.name;
  return {
    instance: name ?? report.instanceId,
    batch: upgrade.batch,
    detectedAfterSeconds: seconds(Date.parse(upgrade.startedAt), Date.parse(report.startedAt)),
    healthyAgainAfterSeconds: seconds(Date.parse(report.startedAt), Date.parse(report.healthyAt)),
    reason: upgrade.reason ?? 'no reason recorded',
  };
}

function difference(before: RequestCount, after: RequestCount): RequestCount {
  return { sent: after.sent - before.sent, failed: after.failed - before.failed };
}

/** To a tenth. */
function seconds(fromMs: number, toMs: number): number {
  return Math.round((toMs - fromMs) / 100) / 10;
}
