// What people asked of a scale set and wait for: each open operation moved on or ended. Pure.
import { z } from 'zod';
import type { ResourceRow } from '../../model/resource.ts';
import { endOperation } from '../../operations/operations.ts';
import { planReimage } from '../../planning/scale-set/reimage.ts';
import { replace } from '../../store/replace.ts';
import type { Put, Stored, Write } from '../../store/store.ts';
import { isoTime } from '../../support/clock.ts';
import { findVersion, instanceModel, osDiskOf, removeInstances } from './instances.ts';
import type { SeenScaleSet } from './observe.ts';
import type { WriteContext } from './upgrade-writes.ts';
import { isServing, isSettled } from './views.ts';

type Operation = Stored<'operation'>;

/** A PUT whose instances are not all up by then has failed. Azure's default extension budget: 90 min; a local boot takes seconds. */
const PROVISIONING_LIMIT_MS = 15 * 60_000;
/** A reimaged instance that has not come up by then has failed, whatever its health timeout. */
const BOOT_LIMIT_MS = 5 * 60_000;

const deleteInput = z.object({ instanceIds: z.array(z.string()) });
const reimageInput = z.object({
  /** Absent: every instance. */
  instanceIds: z.array(z.string()).optional(),
  exactVersion: z.string().optional(),
  /** By instance id: when this operation gave it its fresh disk. */
  started: z.record(z.string(), z.string()).default({}),
});
const skuSchema = z.record(z.string(), z.json());

/** The writes of the first operation that can be moved on; empty when all must wait. */
export function operationWrites(seen: SeenScaleSet, context: WriteContext): Write[] {
  for (const operation of seen.operations) {
    const writes = writesFor(operation, seen, context);
    if (writes.length > 0) return writes;
  }
  return [];
}

function writesFor(operation: Operation, seen: SeenScaleSet, context: WriteContext): Write[] {
  switch (operation.body.kind) {
    case 'scaleSet.put':
      return provisioned(operation, seen, context);
    case 'scaleSet.cancelRollingUpgrade':
      return cancelUpgrade(operation, seen, context);
    case 'scaleSet.osRollingUpgrade':
      return refuseUpgrade(operation, seen, context);
    case 'scaleSet.deleteInstances':
      return deleteInstances(operation, seen, context);
    case 'scaleSet.reimage':
      return reimage(operation, seen, context);
    default:
      return [];
  }
}

/** A PUT is done when as many instances as asked for are up. */
function provisioned(operation: Operation, seen: SeenScaleSet, { now }: WriteContext): Write[] {
  const { model, row } = seen.set;
  const present = seen.instances.filter((each) => each.body.wanted === 'present');
  const up = present.filter((each) => isSettled(seen, each));
  const done = up.length === model.capacity && seen.instances.length === model.capacity;
  if (done) {
    return [endOperation(operation, { status: 'Succeeded' }, now), ...putState(row, 'Succeeded')];
  }
  if (now - Date.parse(operation.body.startTime) < PROVISIONING_LIMIT_MS) return [];
  const errors = [...seen.statuses.values()].flatMap(({ body }) => body.error ?? []);
  const message =
    `${up.length} of ${model.capacity} instances of '${model.name}' came up within ` +
    `${PROVISIONING_LIMIT_MS / 60_000} minutes. ${errors[0] ?? 'See the instances’ consoles.'}`;
  const error = { code: 'VMStartTimedOut', message };
  return [
    endOperation(operation, { status: 'Failed', error }, now),
    ...putState(row, 'Failed', error),
  ];
}

function putState(
  row: Stored<'resource'>,
  provisioningState: ResourceRow['provisioningState'],
  error?: ResourceRow['error'],
): Put<'resource'>[] {
  if (row.body.provisioningState === provisioningState) return [];
  const { error: _before, ...body } = row.body;
  return [replace(row, { ...body, provisioningState, ...(error === undefined ? {} : { error }) })];
}

function cancelUpgrade(operation: Operation, seen: SeenScaleSet, { now }: WriteContext): Write[] {
  const { run } = seen;
  if (run === undefined) return [endOperation(operation, { status: 'Succeeded' }, now)];
  if (run.body.cancelRequested) return [];
  const body = {
    ...run.body,
    cancelRequested: true,
    lastAction: 'Cancel' as const,
    lastActionTime: isoTime(now),
  };
  return [replace(run, body)];
}

/** With nothing to upgrade to, an asked upgrade cannot start; the API refuses most of these. */
function refuseUpgrade(operation: Operation, seen: SeenScaleSet, { now }: WriteContext): Write[] {
  if (seen.run !== undefined || seen.latest.latest !== undefined) return [];
  const losers = seen.latest.losers.map(({ sentence }) => sentence).join('; ');
  const error = {
    code: 'OperationNotAllowed',
    message: `There is no version of ${seen.set.model.image.definitionId} to upgrade to: ${losers || 'none was published'}.`,
  };
  return [endOperation(operation, { status: 'Failed', error }, now)];
}

function deleteInstances(operation: Operation, seen: SeenScaleSet, { now }: WriteContext): Write[] {
  const asked = deleteInput.parse(operation.body.input).instanceIds;
  const here = seen.instances.filter((row) => asked.includes(row.body.instanceId));
  if (here.length === 0) return [endOperation(operation, { status: 'Succeeded' }, now)];
  const present = here.filter((row) => row.body.wanted === 'present');
  if (present.length === 0) return [];
  const capacity = Math.max(0, seen.set.model.capacity - present.length);
  const { row } = seen.set;
  const sku = { ...skuSchema.parse(row.body.body['sku']), capacity };
  const body = {
    ...row.body,
    body: { ...row.body.body, sku },
    generation: row.body.generation + 1,
  };
  return [
    replace(row, body),
    ...removeInstances(
      seen,
      present.map((each) => each.body.instanceId),
    ),
  ];
}

function reimage(operation: Operation, seen: SeenScaleSet, context: WriteContext): Write[] {
  const { instanceIds: asked, started } = reimageInput.parse(operation.body.input);
  const present = seen.instances.filter((row) => row.body.wanted === 'present');
  const rows = present.filter((row) => asked?.includes(row.body.instanceId) ?? true);
  const startedRows = rows.filter((row) => started[row.body.instanceId] !== undefined);
  const back = startedRows.filter((row) => isServing(seen, row));
  const late = startedRows.filter(
    (row) => !back.includes(row) && isLate(seen, row, started, context),
  );
  const step = planReimage({
    asked: rows.map((row) => row.body.instanceId),
    started: Object.keys(started),
    inFlight: idsOf(startedRows.filter((row) => !back.includes(row) && !late.includes(row))),
    failed: idsOf(late),
    total: present.length,
    otherwiseDown: present.filter((row) => !isSettled(seen, row) && !startedRows.includes(row))
      .length,
    maxBatchInstancePercent: seen.set.model.rollingUpgradePolicy.maxBatchInstancePercent,
    upgradeInProgress: seen.run !== undefined,
  });
  if (step.kind === 'wait') return [];
  if (step.kind === 'reimage') return startReimage(operation, seen, step.instanceIds, context);
  const error = { code: 'ReimageFailed', message: `${step.note}.` };
  return [
    endOperation(
      operation,
      step.failed.length === 0 ? { status: 'Succeeded' } : { status: 'Failed', error },
      context.now,
    ),
  ];
}

function isLate(
  seen: SeenScaleSet,
  row: Stored<'instance'>,
  started: Readonly<Record<string, string>>,
  { now }: WriteContext,
): boolean {
  const guestUpAt = isSettled(seen, row) ? seen.statuses.get(row.key)?.body.guestUpAt : undefined;
  if (guestUpAt !== undefined) {
    return now - Date.parse(guestUpAt) > seen.set.model.rolloutPolicy.healthTimeoutMs;
  }
  return now - Date.parse(started[row.body.instanceId] ?? '') > BOOT_LIMIT_MS;
}

/** A fresh disk of the version it has, or of `exactVersion`: a reimage never jumps by itself. */
function startReimage(
  operation: Operation,
  seen: SeenScaleSet,
  instanceIds: readonly string[],
  { now, ids }: WriteContext,
): Write[] {
  const at = isoTime(now);
  const { exactVersion, started: before } = reimageInput.parse(operation.body.input);
  const rows = seen.instances.filter((row) => instanceIds.includes(row.body.instanceId));
  const started = Object.fromEntries(instanceIds.map((id) => [id, at]));
  const input = { ...operation.body.input, started: { ...before, ...started } };
  return [
    replace(operation, { ...operation.body, input }),
    ...rows.map((row): Write => {
      const diskId = `os-${ids.short(12)}`;
      const version = findVersion(seen, exactVersion ?? row.body.osDisk.version);
      const { osDisk } = row.body;
      const body = {
        ...row.body,
        // A version deleted from the gallery still starts from the layers this instance holds.
        osDisk: version === undefined ? { ...osDisk, diskId } : osDiskOf(version, diskId),
        osDiskReason: {
          kind: 'reimage' as const,
          fromVersion: osDisk.version,
          fromDiskId: osDisk.diskId,
          at,
        },
        model: { ...instanceModel(seen.set.model), dataDisks: row.body.model.dataDisks },
        modelGeneration: seen.set.model.generation,
      };
      return replace(row, body);
    }),
  ];
}

function idsOf(rows: readonly Stored<'instance'>[]): string[] {
  return rows.map((row) => row.body.instanceId);
}
