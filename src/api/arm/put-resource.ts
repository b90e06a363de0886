// PUT and PATCH of a resource: locate, merge, validate, prepare, commit, answer.
import type { JsonObject, OperationRow, ResourceRow } from '../../model/resource.ts';
import { startOperation } from '../../operations/operations.ts';
import { resourceKey } from '../../model/resource-id.ts';
import type { Put, Stored, Write } from '../../store/store.ts';
import { isoTime } from '../../support/clock.ts';
import { ArmError, resourceNotFound } from './arm-error.ts';
import type { ArmReply, ArmRequest, Target } from './arm-request.ts';
import type { Prepared, PrepareContext, StoredDeclaration } from './declaration.ts';
import { checkLocation } from './check-location.ts';
import { checkPreconditions } from './etag.ts';
import { locate, showResource } from './locate.ts';
import { dropNulls, mergePatch, mergePut } from './merge.ts';
import { asyncHeaders, locationOf } from './operation-reply.ts';
import { presentResource } from './present.ts';
import { Problems } from './problems.ts';
import { tidyBody } from './tidy-body.ts';
import { checkSupported } from './unsupported.ts';
import { validateBody } from './validate.ts';
import { withoutReadOnly } from './read-only.ts';

type BodyVerb = PrepareContext<unknown>['verb'];

export function putResource(
  request: ArmRequest,
  declaration: StoredDeclaration,
  names: readonly string[],
  verb: BodyVerb,
): Promise<ArmReply> {
  const { body } = request;
  if (body === undefined) {
    throw new ArmError(400, 'InvalidRequestContent', `${verb} needs a body, and there is none.`);
  }
  return request.environment.writes.run(async () => {
    const target = await locate(request, declaration, names);
    const existing = await request.environment.store.get('resource', keyOf(target));
    if (verb === 'PATCH' && existing === undefined) {
      const { resourceGroup } = request.path;
      throw resourceNotFound(showResource(declaration.type, names), resourceGroup);
    }
    checkPreconditions(request.preconditions, existing?.revision);
    const merged = mergeBody(declaration, existing, body, verb);
    return applyBody(request, declaration, { target, existing, verb, body: merged });
  });
}

export type Wanted = {
  readonly target: Target;
  readonly existing: Stored<'resource'> | undefined;
  readonly verb: BodyVerb;
  readonly body: JsonObject;
};

/** Also how an inline element is written: as a change of its parent's body. */
export async function applyBody(
  request: ArmRequest,
  declaration: StoredDeclaration,
  { target, existing, verb, body: given }: Wanted,
): Promise<ArmReply> {
  checkTarget(declaration, target, existing);
  const problems = new Problems();
  const inlineProperties = request.environment.registry
    .inlineTypesOf(declaration.type)
    .map(({ property }) => property);
  const body = withoutReadOnly(given, inlineProperties);
  checkSupported(declaration.unsupported ?? [], body, problems);
  if (declaration.location === 'tracked') checkLocation(body, target, existing);
  const valid = validateBody(declaration.schema, body, problems);
  const context: PrepareContext<unknown> = {
    ...request.context,
    id: existing?.body.id ?? target.id,
    name: existing?.body.name ?? target.name,
    parent: target.parent,
    body: valid,
    existing,
    verb,
    problems,
  };
  const prepared = (await declaration.prepare?.(context)) ?? { body: toJson(valid) };
  problems.throwIfAny();
  const sync = declaration.put === 'sync' || prepared.finished === true;
  const row = toRow(declaration, context, prepared, sync);
  const put = toPut(target, existing, row);
  const operation = sync ? undefined : toOperation(request, declaration, row);
  const writes: Write[] = [
    put,
    ...(operation === undefined ? [] : [operation]),
    ...(prepared.writes ?? []),
  ];
  const { revision } = await request.environment.store.commit(writes);
  const stored: Stored<'resource'> = {
    kind: 'resource',
    key: put.key,
    parent: put.parent,
    type: put.type,
    revision,
    body: row,
  };
  return {
    status: existing === undefined ? 201 : 200,
    body: await presentResource(request.environment.registry, declaration, stored, request.context),
    ...(operation === undefined
      ? {}
      : { headers: asyncHeaders(request, operation.body, locationOf(row)) }),
  };
}

/** JSON of a validated body: what zod leaves undefined is absent. */
export function toJson(value: unknown): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

function mergeBody(
  declaration: StoredDeclaration,
  existing: Stored<'resource'> | undefined,
  body: JsonObject,
  verb: BodyVerb,
): JsonObject {
  const tidy = tidyBody(declaration.schema, body);
  const stored = existing?.body.body ?? {};
  if (verb === 'PATCH') return mergePatch(stored, tidy);
  if (declaration.mergePut === undefined) return dropNulls(tidy);
  return mergePut(stored, tidy, declaration.mergePut.wholesale);
}

function checkTarget(
  declaration: StoredDeclaration,
  target: Target,
  existing: Stored<'resource'> | undefined,
): void {
  const { name: rule, type } = declaration;
  if (existing === undefined && !rule.accepts(target.name)) {
    const word = rule.target ?? 'name';
    throw new ArmError(
      400,
      'InvalidParameter',
      `The name '${target.name}' of ${type} is invalid: ${rule.rule}.`,
      { target: word },
    );
  }
  if (target.resourceGroup?.body.provisioningState === 'Deleting') {
    throw new ArmError(
      409,
      'ResourceGroupBeingDeleted',
      `The resource group '${target.resourceGroup.body.name}' is in deprovisioning state and cannot perform this operation.`,
    );
  }
  for (const row of [target.parent, existing]) {
    if (row?.body.provisioningState !== 'Deleting') continue;
    throw new ArmError(
      409,
      'AnotherOperationInProgress',
      `${row.body.id} is being deleted: wait for its deletion to end, then send the request again.`,
    );
  }
}

function toRow(
  declaration: StoredDeclaration,
  { existing, id, name, now }: PrepareContext<unknown>,
  prepared: Prepared,
  sync: boolean,
): ResourceRow {
  const running = existing === undefined ? 'Creating' : 'Updating';
  return {
    id,
    type: declaration.type,
    name,
    body: prepared.body,
    internal: prepared.internal ?? existing?.body.internal ?? {},
    provisioningState: sync ? 'Succeeded' : running,
    generation: (existing?.body.generation ?? 0) + 1,
    createdAt: existing?.body.createdAt ?? isoTime(now),
    changedAt: isoTime(now),
  };
}

function toPut(
  target: Target,
  existing: Stored<'resource'> | undefined,
  row: ResourceRow,
): Put<'resource'> {
  return {
    put: 'resource',
    key: keyOf(target),
    parent: target.parentKey,
    type: row.type.toLowerCase(),
    body: row,
    expect: existing?.revision ?? 'absent',
  };
}

function toOperation(
  request: ArmRequest,
  declaration: StoredDeclaration,
  row: ResourceRow,
): (Put<'operation'> & { body: OperationRow }) | undefined {
  if (declaration.put === 'sync') return undefined;
  const operation = {
    operationId: request.environment.ids.uuid(),
    kind: declaration.put.operation,
    resourceId: row.id,
    generation: row.generation,
  };
  return startOperation(operation, request.context.now);
}

function keyOf(target: Target): string {
  return resourceKey(target.id);
}
