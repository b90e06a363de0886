// The rows the API writes and reconcilers read. One shape for every ARM resource type.
import type { ResourceId } from './resource-id.ts';

/** Terminal: Succeeded, Failed, Canceled (Azure's spelling for operations). All else is running. */
export type ProvisioningState =
  | 'Creating'
  | 'Updating'
  | 'Deleting'
  | 'Succeeded'
  | 'Failed'
  | 'Canceled';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type ArmErrorBody = {
  readonly code: string;
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly ArmErrorBody[];
};

/**
 * One ARM resource. `body` is the wire body after validation and defaulting (location, tags, sku,
 * identity, zones, properties…), without id, name, type and without read-only fields; secrets and
 * anything that must never be returned live in `internal`.
 */
export type ResourceRow = {
  readonly id: ResourceId;
  /** Azure's casing, e.g. `Microsoft.Compute/virtualMachineScaleSets`. */
  readonly type: string;
  readonly name: string;
  readonly body: JsonObject;
  readonly internal: JsonObject;
  readonly provisioningState: ProvisioningState;
  /** Raised by one with each accepted change of what is wanted; a plan for an older one is void. */
  readonly generation: number;
  readonly error?: ArmErrorBody;
  readonly createdAt: string;
  readonly changedAt: string;
};

export type OperationStatus = 'InProgress' | 'Succeeded' | 'Failed' | 'Canceled';

/**
 * A long-running operation, written before its first side effect. Whoever makes the resource so
 * ends it: the reconciler of a scale set, the runner of an image template.
 */
export type OperationRow = {
  readonly operationId: string;
  /** e.g. `scaleSet.put`, `scaleSet.delete`, `scaleSet.osRollingUpgrade`, `imageTemplate.run`. */
  readonly kind: string;
  readonly resourceId: ResourceId;
  /** The resource generation this operation waits for. */
  readonly generation: number;
  readonly status: OperationStatus;
  readonly input: JsonObject;
  readonly output?: Json;
  readonly error?: ArmErrorBody;
  readonly cancelRequested: boolean;
  readonly startTime: string;
  readonly endTime?: string;
};
