// DELETE of a resource: at once for synchronous types, else the state Deleting and an operation.
import { resourceKey } from '../../model/resource-id.ts';
import { startOperation } from '../../operations/operations.ts';
import { removeResource } from '../../operations/remove-resource.ts';
import type { Stored, Write } from '../../store/store.ts';
import { isoTime } from '../../support/clock.ts';
import { ArmError } from './arm-error.ts';
import type { ArmEnvironment, ArmReply, ArmRequest } from './arm-request.ts';
import type { RequestContext, StoredDeclaration } from './declaration.ts';
import { checkPreconditions } from './etag.ts';
import { locate } from './locate.ts';
import { acceptedHeaders, locationOf } from './operation-reply.ts';

/** As many nested ids as the refusal names. */
const MAX_NAMED_CHILDREN = 5;

export function deleteResource(
  request: ArmRequest,
  declaration: StoredDeclaration,
  names: readonly string[],
): Promise<ArmReply> {
  const { environment } = request;
  return environment.writes.run(async () => {
    const target = await locate(request, declaration, names);
    const row = await environment.store.get('resource', resourceKey(target.id));
    // ARM: 204 for what does not exist, whatever the etag.
    if (row === undefined) return { status: 204 };
    if (request.preconditions.ifMatch !== undefined) {
      checkPreconditions({ ifMatch: request.preconditions.ifMatch }, row.revision);
    }
    const deletion = await planDeletion(environment, declaration, row, request.context);
    await environment.store.commit(deletion.writes);
    if (deletion.operation === undefined) {
      await declaration.afterDelete?.(row);
      return { status: 200 };
    }
    return {
      status: 202,
      headers: acceptedHeaders(request, deletion.operation.body, locationOf(row.body)),
    };
  });
}

export type Deletion = {
  readonly writes: readonly Write[];
  readonly operation?: ReturnType<typeof startOperation>;
};

/** The writes of one deletion; throws ArmError when the resource must not be deleted now. */
export async function planDeletion(
  environment: Pick<ArmEnvironment, 'store' | 'ids'>,
  declaration: StoredDeclaration,
  row: Stored<'resource'>,
  context: RequestContext,
): Promise<Deletion> {
  if (declaration.deletesChildren !== true) await refuseChildren(environment, declaration, row);
  await declaration.checkDelete?.({ ...context, row });
  if (declaration.delete === 'sync') {
    const [self, ...beneath] = await removeResource(environment.store, row.body.id);
    return {
      writes: [{ ...self, remove: 'resource', key: row.key, expect: row.revision }, ...beneath],
    };
  }
  const generation = row.body.generation + 1;
  const operation = startOperation(
    {
      operationId: environment.ids.uuid(),
      kind: declaration.delete.operation,
      resourceId: row.body.id,
      generation,
    },
    context.now,
  );
  const { error: _error, ...body } = row.body;
  const deleting = {
    ...body,
    generation,
    provisioningState: 'Deleting' as const,
    changedAt: isoTime(context.now),
  };
  const { key, parent, type, revision } = row;
  return {
    operation,
    writes: [{ put: 'resource', key, parent, type, body: deleting, expect: revision }, operation],
  };
}

async function refuseChildren(
  { store }: Pick<ArmEnvironment, 'store'>,
  declaration: StoredDeclaration,
  row: Stored<'resource'>,
): Promise<void> {
  const children = await store.list('resource', { parent: row.key, limit: MAX_NAMED_CHILDREN });
  const nested = children.filter(({ type }) =>
    type.startsWith(`${declaration.type.toLowerCase()}/`),
  );
  if (nested.length === 0) return;
  const named = nested.map(({ body }) => body.id).join(', ');
  throw new ArmError(
    409,
    'CannotDeleteResource',
    `Can not delete resource before nested resources are deleted: ${named}.`,
  );
}
