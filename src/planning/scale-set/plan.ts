// Decides the next step of one scale set: capacity, and whether a rolling upgrade starts. Pure.
//
// Capacity comes before upgrades: an upgrade counts N anew before each batch anyway.
import { compareImageVersions } from '../../model/image-version.ts';
import type { ScaleSetInstanceView, ScaleSetStep, ScaleSetView } from './view.ts';

type Question = (view: ScaleSetView) => ScaleSetStep | undefined;

const QUESTIONS: readonly Question[] = [
  askDeleting,
  askGone,
  askTooFew,
  askTooMany,
  askUpgradeRunning,
  askUpgradeAsked,
  askNewerVersion,
];

export function planScaleSet(view: ScaleSetView): ScaleSetStep {
  for (const ask of QUESTIONS) {
    const step = ask(view);
    if (step !== undefined) return step;
  }
  return { kind: 'none', note: `As wanted: ${view.capacity} instances.` };
}

function askDeleting(view: ScaleSetView): ScaleSetStep | undefined {
  if (!view.deleting) return undefined;
  const { instances } = view;
  const kept = instances.filter((each) => each.wanted === 'present');
  if (kept.length > 0) {
    return {
      kind: 'removeInstances',
      instanceIds: idsOf(kept),
      note: `The scale set is being deleted: remove its ${kept.length} instances.`,
    };
  }
  const left = instances.filter((each) => !each.gone);
  if (left.length > 0) {
    return {
      kind: 'wait',
      for: 'instances',
      note: `The scale set is being deleted: ${left.length} of ${instances.length} instances are still there.`,
    };
  }
  return { kind: 'forgetScaleSet', note: 'The scale set is being deleted: no instance is left.' };
}

function askGone(view: ScaleSetView): ScaleSetStep | undefined {
  const gone = view.instances.filter((each) => each.wanted === 'deleted' && each.gone);
  if (gone.length === 0) return undefined;
  return {
    kind: 'forgetInstances',
    instanceIds: idsOf(gone),
    note: `${gone.length} deleted instances are gone with their disks.`,
  };
}

function askTooFew(view: ScaleSetView): ScaleSetStep | undefined {
  const missing = view.capacity - presentOf(view).length;
  if (missing <= 0) return undefined;
  if (view.versionForNew === undefined) {
    return {
      kind: 'wait',
      for: 'version',
      note: `${missing} of ${view.capacity} instances are missing, and the image has no version they may start with.`,
    };
  }
  const instanceIds = Array.from({ length: missing }, (_, i) =>
    String(view.nextInstanceNumber + i),
  );
  return {
    kind: 'addInstances',
    instanceIds,
    version: view.versionForNew,
    note: `Scale out from ${view.capacity - missing} to ${view.capacity} on version ${view.versionForNew}.`,
  };
}

/** Azure's Default scale-in takes the highest instance ids. The batch in flight is left alone. */
function askTooMany(view: ScaleSetView): ScaleSetStep | undefined {
  const present = presentOf(view);
  const excess = present.length - view.capacity;
  if (excess <= 0) return undefined;
  const chosen = present
    .filter((each) => !view.busyInstanceIds.includes(each.instanceId))
    .toSorted((a, b) => Number(b.instanceId) - Number(a.instanceId))
    .slice(0, excess);
  const why = `Scale in from ${present.length} to ${view.capacity}`;
  if (chosen.length === 0) {
    return {
      kind: 'wait',
      for: 'instances',
      note: `${why}: every instance is in the batch in flight.`,
    };
  }
  return {
    kind: 'removeInstances',
    instanceIds: idsOf(chosen),
    note: `${why}, highest ids first.`,
  };
}

function askUpgradeRunning(view: ScaleSetView): ScaleSetStep | undefined {
  if (!view.runInProgress) return undefined;
  return { kind: 'none', note: 'A rolling upgrade is in progress.' };
}

/** A person's ask moves every instance to the target, also down to it, and waits for no hold. */
function askUpgradeAsked(view: ScaleSetView): ScaleSetStep | undefined {
  if (!view.upgradeAsked) return undefined;
  if (view.upgradeTarget === undefined) {
    return {
      kind: 'wait',
      for: 'version',
      note: 'An upgrade was asked for, and the image has no version that may be used.',
    };
  }
  return {
    kind: 'startUpgrade',
    version: view.upgradeTarget,
    startedBy: 'User',
    note: `An upgrade to ${view.upgradeTarget} was asked for.`,
  };
}

/**
 * Only upwards: when the latest version is deleted or excluded, `latest` falls back to a lower one,
 * and running instances are not moved down without being asked.
 */
function askNewerVersion(view: ScaleSetView): ScaleSetStep | undefined {
  const target = view.upgradeTarget;
  if (!view.automaticOSUpgrade || target === undefined) return undefined;
  const older = presentOf(view).filter((each) => compareImageVersions(each.version, target) < 0);
  if (older.length === 0) return undefined;
  if (view.holdUntilMs !== undefined && view.now < view.holdUntilMs) {
    return waitForHold(view.holdUntilMs, `${older.length} instances are below ${target}`);
  }
  return {
    kind: 'startUpgrade',
    version: target,
    startedBy: 'Platform',
    note: `Latest is ${target}, and ${older.length} of ${view.capacity} instances are below it.`,
  };
}

/** A hold without an end (after a cancel) is ended by a newer version or by a person's ask. */
function waitForHold(untilMs: number, why: string): ScaleSetStep {
  if (untilMs === Number.POSITIVE_INFINITY) {
    return {
      kind: 'wait',
      for: 'hold',
      note: `${why}; the last run to it was cancelled, so the next one waits to be asked for.`,
    };
  }
  return {
    kind: 'wait',
    for: 'hold',
    untilMs,
    note: `${why}; the last run to it did not bring every instance there, the next automatic one starts at ${new Date(untilMs).toISOString()}.`,
  };
}

function presentOf(view: ScaleSetView): readonly ScaleSetInstanceView[] {
  return view.instances.filter((each) => each.wanted === 'present');
}

function idsOf(instances: readonly ScaleSetInstanceView[]): string[] {
  return instances.map(({ instanceId }) => instanceId);
}
