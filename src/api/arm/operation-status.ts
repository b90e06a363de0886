// Where clients poll: the status of an operation, and with `monitor=true` its result.
import { resourceKey } from '../../model/resource-id.ts';
import type { JsonObject, OperationRow } from '../../model/resource.ts';
import type { OperationKind } from '../../operations/operations.ts';
import { ArmError } from './arm-error.ts';
import type { ArmReply, ArmRequest } from './arm-request.ts';
import { checkSubscription } from './locate.ts';
import { isObject } from './merge.ts';
import { acceptedHeaders, RETRY_AFTER_SECONDS } from './operation-reply.ts';
import { presentResource } from './present.ts';
import { toJson } from './put-resource.ts';
import type { Registry } from './registry.ts';

export async function getOperation(request: ArmRequest, operationId: string): Promise<ArmReply> {
  checkSubscription(request);
  const found = await request.environment.store.get('operation', operationId.toLowerCase());
  if (found === undefined) {
    throw new ArmError(
      404,
      'OperationNotFound',
      `There is no operation '${operationId}'; ended ones are forgotten after seven days.`,
    );
  }
  const monitor = [...request.context.query].find(([key]) => key.toLowerCase() === 'monitor')?.[1];
  return monitor?.toLowerCase() === 'true'
    ? resultReply(request, found.body)
    : statusReply(request, found.body);
}

/** Always 200: an error here would say that the status cannot be read. */
function statusReply(request: ArmRequest, operation: OperationRow): ArmReply {
  const { operationId, status, startTime, endTime, output } = operation;
  const open = status === 'InProgress';
  return {
    status: 200,
    headers: open ? { 'Retry-After': RETRY_AFTER_SECONDS } : {},
    body: {
      id: request.pathname,
      name: operationId,
      status,
      startTime,
      ...(endTime === undefined ? {} : { endTime }),
      ...(output === undefined ? {} : { properties: { output } }),
      ...(open || status === 'Succeeded' ? {} : { error: toJson(errorOf(operation)) }),
    },
  };
}

/** 202 while it runs, then what the call would have answered had it been synchronous. */
async function resultReply(request: ArmRequest, operation: OperationRow): Promise<ArmReply> {
  if (operation.status === 'InProgress') {
    return {
      status: 202,
      headers: acceptedHeaders(request, operation, request.path.pairs[1] ?? 'global'),
    };
  }
  if (operation.status !== 'Succeeded') {
    const { code, message, target, details } = errorOf(operation);
    throw new ArmError(409, code, message, {
      ...(target === undefined ? {} : { target }),
      ...(details === undefined ? {} : { details }),
    });
  }
  const { environment, context } = request;
  if (operation.output !== undefined) {
    return { status: 200, body: presentOutput(environment.registry, operation) };
  }
  if (!operation.kind.endsWith('.put')) return { status: 204 };
  const row = await environment.store.get('resource', resourceKey(operation.resourceId));
  const declaration = row === undefined ? undefined : environment.registry.find(row.body.type);
  if (row === undefined || declaration?.kind !== 'stored') return { status: 204 };
  const body = await presentResource(environment.registry, declaration, row, context);
  return { status: 200, body };
}

function presentOutput(registry: Registry, { kind, output = null }: OperationRow): JsonObject {
  const present = registry.resultOf(kind as OperationKind);
  const value = present === undefined ? output : present(output);
  return isObject(value) ? value : { value };
}

/** Clients drop an error without code or message, so both are always there. */
function errorOf({ error, status }: OperationRow) {
  return (
    error ?? {
      code: status === 'Canceled' ? 'OperationCanceled' : 'InternalExecutionError',
      message: status === 'Canceled' ? 'The operation was canceled.' : 'The operation failed.',
    }
  );
}
