// For tests: fleets written as short strings, and views of them. The sequence goldens use the same letters.
import type {
  HealthState,
  InstanceUpgrade,
  RollingUpgradePolicy,
  RolloutPolicy,
  UpgradeBatch,
} from '../../model/scale-set.ts';
import type { UpgradeInstanceView, UpgradeView } from './view.ts';

export const OLD = '1.0.0';
export const NEW = '2.0.0';
export const START_MS = Date.parse('2030-01-01T00:00:00.000Z');

/** Azure's defaults, without its pause. */
export const defaultPolicy: RollingUpgradePolicy = {
  maxBatchInstancePercent: 20,
  maxUnhealthyInstancePercent: 20,
  maxUnhealthyUpgradedInstancePercent: 20,
  pauseTimeBetweenBatchesMs: 0,
  prioritizeUnhealthyInstances: false,
};

export const defaultRollout: RolloutPolicy = { healthTimeoutMs: 20_000, drainMs: 5000 };

type Outcome = InstanceUpgrade['outcome'] | undefined;
type Letter = {
  readonly version: string;
  readonly outcome?: Outcome;
  /** Absent while the OS on the wanted disk has not answered. */
  readonly health?: HealthState;
  readonly repairing?: true;
  readonly deleting?: true;
};

/**
 * One letter per instance; a capital is Unhealthy.
 * Not touched: o old, q old and Unknown, * old under repair, _ old and starting, - being deleted,
 * b born on the new version, . born and starting, a born and Unknown.
 * In the batch: ~ swapping, then ? Unknown, i Initializing, ! Unhealthy, + Healthy;
 * on the way back: < swapping, then > Unknown, ( Unhealthy, e Healthy.
 * Finished: n upgraded, u upgraded but Unknown again, % upgraded and under repair, r restored, x failed.
 */
const LETTERS = {
  o: { version: OLD, health: 'Healthy' },
  O: { version: OLD, health: 'Unhealthy' },
  q: { version: OLD, health: 'Unknown' },
  _: { version: OLD },
  '*': { version: OLD, repairing: true },
  '-': { version: OLD, deleting: true },
  b: { version: NEW, health: 'Healthy' },
  B: { version: NEW, health: 'Unhealthy' },
  '.': { version: NEW },
  a: { version: NEW, health: 'Unknown' },
  '~': { version: NEW, outcome: 'upgrading' },
  '?': { version: NEW, outcome: 'upgrading', health: 'Unknown' },
  i: { version: NEW, outcome: 'upgrading', health: 'Initializing' },
  '!': { version: NEW, outcome: 'upgrading', health: 'Unhealthy' },
  '+': { version: NEW, outcome: 'upgrading', health: 'Healthy' },
  n: { version: NEW, outcome: 'upgraded', health: 'Healthy' },
  N: { version: NEW, outcome: 'upgraded', health: 'Unhealthy' },
  u: { version: NEW, outcome: 'upgraded', health: 'Unknown' },
  '%': { version: NEW, outcome: 'upgraded', repairing: true },
  '<': { version: OLD, outcome: 'restoring' },
  '>': { version: OLD, outcome: 'restoring', health: 'Unknown' },
  '(': { version: OLD, outcome: 'restoring', health: 'Unhealthy' },
  e: { version: OLD, outcome: 'restoring', health: 'Healthy' },
  r: { version: OLD, outcome: 'restored', health: 'Healthy' },
  R: { version: OLD, outcome: 'restored', health: 'Unhealthy' },
  x: { version: NEW, outcome: 'failed', health: 'Healthy' },
  X: { version: NEW, outcome: 'failed', health: 'Unhealthy' },
} satisfies Record<string, Letter>;

export type FleetOptions = Partial<
  Omit<UpgradeView, 'instances' | 'policy' | 'rolloutPolicy' | 'outcomes'>
> & {
  readonly policy?: Partial<RollingUpgradePolicy>;
  readonly rolloutPolicy?: Partial<RolloutPolicy>;
  /** Of every instance: since its OS answered, or since its disk became wanted while it has not. */
  readonly elapsedMs?: number;
};

/** The view of a fleet watched for ten hours. Its batches are those the letters imply. */
export function viewOf(letters: string, options: FleetOptions = {}): UpgradeView {
  const { policy, rolloutPolicy, elapsedMs = 1000, ...given } = options;
  const now = given.now ?? START_MS + 7_200_000;
  const described = letters
    .split('')
    .map((letter, i): [string, Letter] => [String(i), lookUp(letter)]);
  return {
    now,
    watchingSinceMs: now - 36_000_000,
    targetVersion: NEW,
    instances: described.map(([id, letter]) => instanceOf(id, letter, elapsedMs)),
    policy: { ...defaultPolicy, ...policy },
    rolloutPolicy: { ...defaultRollout, ...rolloutPolicy },
    disableAutomaticRollback: false,
    cancelRequested: false,
    batches: batchesOf(described, now),
    outcomes: outcomesOf(described, now),
    diskSpace: { freeBytes: 2 ** 40, neededBytesPerInstance: 2 ** 30 },
    ...given,
  };
}

/** The letters of a view, in order of instance id: what `viewOf` would have been given. */
export function drawFleet(view: UpgradeView): string {
  return view.instances
    .toSorted((a, b) => Number(a.instanceId) - Number(b.instanceId))
    .map((instance) => letterOf(instance, view.outcomes[instance.instanceId]?.outcome))
    .join('');
}

function letterOf(instance: UpgradeInstanceView, outcome: Outcome): string {
  if (instance.deleting) return '-';
  const found = Object.entries<Letter>(LETTERS).find(
    ([, letter]) =>
      letter.version === instance.version &&
      letter.outcome === outcome &&
      letter.health === (instance.settled ? instance.health : undefined) &&
      (letter.repairing ?? false) === instance.repairing,
  );
  return found?.[0] ?? '#';
}

function lookUp(letter: string): Letter {
  const found = Object.entries<Letter>(LETTERS).find(([each]) => each === letter);
  if (found === undefined) throw new Error(`no letter ${letter}`);
  return found[1];
}

function instanceOf(instanceId: string, letter: Letter, elapsedMs: number): UpgradeInstanceView {
  const settled = letter.health !== undefined;
  return {
    instanceId,
    version: letter.version,
    health: letter.health ?? 'Unknown',
    healthReason: letter.health === 'Unhealthy' ? 'HTTP 503 from /healthz' : 'no probe yet',
    settled,
    msSinceGuestUp: settled ? elapsedMs : 0,
    msSinceDiskWanted: elapsedMs,
    repairing: letter.repairing ?? false,
    deleting: letter.deleting ?? false,
  };
}

function outcomesOf(
  described: readonly [string, Letter][],
  now: number,
): Record<string, InstanceUpgrade> {
  const startedAt = new Date(now - 30_000).toISOString();
  return Object.fromEntries(
    described.flatMap(([id, { outcome }]) =>
      outcome === undefined
        ? []
        : [[id, { outcome, batch: inFlight(outcome) ? 2 : 1, fromVersion: OLD, startedAt }]],
    ),
  );
}

/** Batch 1 ended ten seconds ago and holds all that is over; batch 2 is what is in flight. */
function batchesOf(described: readonly [string, Letter][], now: number): UpgradeBatch[] {
  const ids = (chosen: (outcome: Outcome) => boolean) =>
    described.filter(([, { outcome }]) => chosen(outcome)).map(([id]) => id);
  const over = ids((outcome) => outcome !== undefined && !inFlight(outcome));
  const open = ids(inFlight);
  const startedAt = new Date(now - 30_000).toISOString();
  const endedAt = new Date(now - 10_000).toISOString();
  return [
    ...(over.length === 0 ? [] : [{ number: 1, instanceIds: over, startedAt, endedAt }]),
    ...(open.length === 0 ? [] : [{ number: 2, instanceIds: open, startedAt }]),
  ];
}

function inFlight(outcome: Outcome): boolean {
  return outcome === 'upgrading' || outcome === 'restoring';
}
