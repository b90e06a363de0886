// The main job told as a story: three versions of one app on five real VMs, with traffic throughout.
import type { Clock } from '../support/clock.ts';
import { changedFiles, countFiles, type EntryHashes, lostEntries } from './entry-files.ts';
import { changeTo, entriesOf, type Exec, versionsOf } from './guestbook.ts';
import { INSTANCES } from './limits.ts';
import type { Observations, Restore, RollOut } from './proof.ts';
import type { FleetStatus, SwapReport } from './schemas.ts';
import type { Say, Session, Shipped } from './session.ts';
import type { RequestCount, Traffic } from './traffic.ts';

/** Throws one sentence when a step the rest depends on fails; otherwise everything ends in figures. */
export async function runDemo(session: Session, say: Say): Promise<Observations> {
  const { clock } = session;
  const exec: Exec = (name, command) => session.exec(name, command);
  const startedAt = clock.now();
  const times = new PhaseTimes(clock);

  say('Starting a control plane: it speaks Azure Resource Manager and runs real VMs on QEMU.');
  const connection = await session.startControlPlane();
  times.end('control plane');
  say(`It listens on ${connection.endpoint}.`);

  say(`Shipping 1.0.0: bakes the guestbook into a VM image and starts ${INSTANCES} VMs from it.`);
  times.endShip('1.0.0', 'first fleet', await session.ship('1.0.0'));
  const { traffic, watch, url } = session.startTraffic(await session.fleet.status());
  say(`The guestbook answers at ${url}. From here on clients read and write without a pause.`);

  const first = await session.hashEntries();
  times.end('hash entries');
  say('Shipping 2.0.0: entries may be signed. The fleet follows by itself, one VM at a time.');
  const two = await rollOut(session, traffic, '2.0.0', first);
  times.endShip('2.0.0', 'roll-out', two.shipped);
  const second = await session.hashEntries();
  const versionsAfter = await versionsOf(await session.fleet.status(), exec);
  times.end('hash entries');

  say('Shipping 3.0.0: its migration fails on the entries of 2.0.0, which no fresh VM can show.');
  const three = await rollOut(session, traffic, '3.0.0', second);
  times.endShip('3.0.0', 'caught and undone', three.shipped);

  say('Reading every entry back from the instance that took it.');
  await session.stopTraffic();
  const last = await session.hashEntries();
  const fleet = await session.fleet.status();
  const lost = lostEntries(traffic.acknowledged, await entriesOf(fleet, exec));
  const versions = await versionsOf(fleet, exec);
  const reports = await session.fleet.swapReports();
  times.end('proof');
  const restore = restoreOf(fleet, reports);
  return {
    seconds: seconds(startedAt, clock.now()),
    phases: times.phases,
    capacity: fleet.capacity,
    requests: traffic.count(),
    failures: traffic.failures,
    mostDown: watch.mostDown,
    samples: watch.samples,
    entriesWritten: traffic.acknowledged.length,
    lost: lost.map(({ instance, id }) => `${instance}/${id}`),
    v2: { ...judged(two, second, reports), versionsAfter },
    v3: { ...judged(three, last, reports), versionsAfter: versions, ...(restore && { restore }) },
    versions,
  };
}

/** Seconds of each phase, in order; a phase that comes again is added up. */
class PhaseTimes {
  readonly phases: Record<string, number> = {};
  readonly #clock: Clock;
  #from: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#from = clock.now();
  }

  end(phase: string): void {
    const now = this.#clock.now();
    this.#add(phase, seconds(this.#from, now));
    this.#from = now;
  }

  /** A ship is a bake and what follows it. */
  endShip(version: string, then: string, { bakeSeconds }: Shipped): void {
    const now = this.#clock.now();
    this.#add(`${version}: bake`, bakeSeconds);
    this.#add(`${version}: ${then}`, seconds(this.#from, now) - bakeSeconds);
    this.#from = now;
  }

  #add(phase: string, more: number): void {
    this.phases[phase] = Math.round(10 * ((this.phases[phase] ?? 0) + more)) / 10;
  }
}

type Shipment = {
  readonly version: string;
  readonly shipped: Shipped;
  /** Hashes of the entry files that were there when it was ordered. */
  readonly before: EntryHashes;
  readonly requests: RequestCount;
};

async function rollOut(
  session: Session,
  traffic: Traffic,
  version: string,
  before: EntryHashes,
): Promise<Shipment> {
  await changeTo(version, session.appFolder);
  const { sent, failed } = traffic.count();
  const shipped = await session.ship(version, '--from', 'previous');
  const after = traffic.count();
  const requests = { sent: after.sent - sent, failed: after.failed - failed };
  return { version, shipped, before, requests };
}

/** What a shipment did to files and disks. */
function judged(
  { version, shipped, before, requests }: Shipment,
  after: EntryHashes,
  reports: readonly SwapReport[],
): Omit<RollOut, 'versionsAfter'> {
  // A restore goes back to the version before: it belongs to the roll-out that made it necessary.
  const swaps = reports.filter((report) =>
    report.kind === 'restore' ? version === '3.0.0' : report.toVersion === version,
  );
  const other = swaps.filter((report) => !report.dataDisksIdentical);
  return {
    shipExitCode: shipped.exitCode,
    filesBefore: countFiles(before),
    changedFiles: changedFiles(before, after),
    swaps: swaps.length,
    swapsWithOtherDisks: other.map((report) => `instance ${report.instanceId}, ${report.kind}`),
    requests,
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

/** To a tenth. */
function seconds(fromMs: number, toMs: number): number {
  return Math.round((toMs - fromMs) / 100) / 10;
}
