// How a long-running operation is announced: exact headers, on the host the client used.
import type { OperationRow, ResourceRow } from '../../model/resource.ts';
import type { ArmRequest } from './arm-request.ts';
import { foldLocation } from '../../model/location.ts';

/**
 * Whole seconds. Never 0: Python clients take that as absent and sleep 30 s, so a second it is
 * (Azure itself asks for 10 to 60).
 */
export const RETRY_AFTER_SECONDS = '1';

/** For PUT: the status, and the resource itself is the result. */
export function asyncHeaders(
  request: ArmRequest,
  operation: OperationRow,
  location: string,
): Record<string, string> {
  return {
    'Azure-AsyncOperation': operationUrl(request, operation, location, ''),
    'Retry-After': RETRY_AFTER_SECONDS,
  };
}

/** For POST and DELETE: `Location` answers 202 until the result is there. */
export function acceptedHeaders(
  request: ArmRequest,
  operation: OperationRow,
  location: string,
): Record<string, string> {
  return {
    ...asyncHeaders(request, operation, location),
    Location: operationUrl(request, operation, location, '&monitor=true'),
  };
}

/** The location under which the operations of a resource are found; any would do. */
export function locationOf(row: ResourceRow): string {
  const { location } = row.body;
  return typeof location === 'string' ? foldLocation(location) : 'global';
}

/** `…/providers/{namespace}/locations/{location}/operations/{id}`, absolute. */
function operationUrl(
  request: ArmRequest,
  operation: OperationRow,
  location: string,
  monitor: string,
): string {
  const { environment, context, apiVersion } = request;
  const namespace = namespaceOf(operation);
  const path = `/subscriptions/${environment.subscriptionId}/providers/${namespace}/locations/${location}/operations/${operation.operationId}`;
  return `${context.baseUrl}${path}?api-version=${apiVersion}${monitor}`;
}

function namespaceOf({ resourceId }: OperationRow): string {
  const match = /\/providers\/([^/]+)\/(?!.*\/providers\/)/i.exec(resourceId);
  return match?.[1] ?? 'Microsoft.Resources';
}
