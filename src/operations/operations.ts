// Long-running operations as documents: how one is started, found and ended.
//
// Nothing here commits. Starting and ending are writes for the caller to put in the same commit as
// the change they belong to, so that a crash leaves either both or neither.
import { resourceKey } from '../model/resource-id.ts';
import type { ResourceId } from '../model/resource-id.ts';
import type { ArmErrorBody, Json, JsonObject } from '../model/resource.ts';
import { replace } from '../store/replace.ts';
import type { Put, Remove, Store, Stored } from '../store/store.ts';
import { isoTime } from '../support/clock.ts';

/** Every kind, and in the comment who ends it. */
export const OPERATION_KINDS = [
  // The reconciler of the scale set.
  'scaleSet.put',
  'scaleSet.delete',
  'scaleSet.osRollingUpgrade',
  'scaleSet.cancelRollingUpgrade',
  'scaleSet.reimage',
  'scaleSet.deleteInstances',
  'instance.runCommand',
  // The runner of image templates. It ends `cancel` together with the run it cancels.
  'imageTemplate.put',
  'imageTemplate.run',
  'imageTemplate.cancel',
  'imageTemplate.delete',
  // The publisher of gallery versions.
  'galleryVersion.put',
  'galleryVersion.delete',
  // operations/resource-group-deletion.ts
  'resourceGroup.delete',
] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** Ended operations are kept this long, so that a client that slept can still read the outcome. */
export const OPERATION_RETENTION_MS = 7 * 24 * 60 * 60 * 1000;

export type NewOperation = {
  readonly operationId: string;
  readonly kind: OperationKind;
  readonly resourceId: ResourceId;
  /** The resource generation this operation waits for. */
  readonly generation: number;
  readonly input?: JsonObject;
};

export type OperationOutcome =
  | { readonly status: 'Succeeded'; readonly output?: Json }
  | { readonly status: 'Failed' | 'Canceled'; readonly error: ArmErrorBody };

type StoreReader = Pick<Store, 'get' | 'list'>;

/** The write that starts an operation; `nowMs` is ms since the epoch. */
export function startOperation(operation: NewOperation, nowMs: number): Put<'operation'> {
  return {
    put: 'operation',
    key: operation.operationId,
    parent: resourceKey(operation.resourceId),
    type: operation.kind,
    expect: 'absent',
    body: {
      operationId: operation.operationId,
      kind: operation.kind,
      resourceId: operation.resourceId,
      generation: operation.generation,
      status: 'InProgress',
      input: operation.input ?? {},
      cancelRequested: false,
      startTime: isoTime(nowMs),
    },
  };
}

/**
 * The write that ends an operation as it was read. Its commit fails with StoreConflict when the
 * operation changed since (a cancel came in, another pass ended it): read again and decide again.
 */
export function endOperation(
  operation: Stored<'operation'>,
  outcome: OperationOutcome,
  nowMs: number,
): Put<'operation'> {
  return replace(operation, {
    ...operation.body,
    ...outcome,
    endTime: isoTime(nowMs),
  });
}

/** The write that asks whoever runs the operation to stop. */
export function requestCancel(operation: Stored<'operation'>): Put<'operation'> {
  return replace(operation, { ...operation.body, cancelRequested: true });
}

export function isOpen(operation: Stored<'operation'>): boolean {
  return operation.body.status === 'InProgress';
}

/** Open operations, the oldest first; of one kind, of one resource, or both. */
export async function listOpenOperations(
  store: StoreReader,
  filter: { readonly kind?: OperationKind; readonly resourceId?: string },
): Promise<Stored<'operation'>[]> {
  const operations = await store.list('operation', {
    ...(filter.kind === undefined ? {} : { type: filter.kind }),
    ...(filter.resourceId === undefined ? {} : { parent: resourceKey(filter.resourceId) }),
  });
  return operations.filter(isOpen).toSorted(byStart);
}

/** The writes that forget operations which ended longer ago than the retention. */
export function forgetOldOperations(
  operations: readonly Stored<'operation'>[],
  nowMs: number,
): Remove[] {
  return operations
    .filter(({ body }) => body.endTime !== undefined)
    .filter(({ body }) => nowMs - Date.parse(body.endTime ?? '') > OPERATION_RETENTION_MS)
    .map(({ key, revision }) => ({ remove: 'operation', key, expect: revision }));
}

function byStart(a: Stored<'operation'>, b: Stored<'operation'>): number {
  const order = a.body.startTime.localeCompare(b.body.startTime);
  return order === 0 ? a.revision - b.revision : order;
}
