// Actions: POST (or GET) on a word after a resource, answered at once or by an operation.
import { startOperation } from '../../operations/operations.ts';
import type { Stored, Write } from '../../store/store.ts';
import { assert } from '../../support/assert.ts';
import { isoTime } from '../../support/clock.ts';
import { ArmError, methodNotAllowed } from './arm-error.ts';
import type { ArmReply, ArmRequest } from './arm-request.ts';
import type { ActionContext, ActionResult, Declaration } from './declaration.ts';
import { locate } from './locate.ts';
import { acceptedHeaders, locationOf } from './operation-reply.ts';
import { requireRow } from './read-resource.ts';
import type { Route } from './registry.ts';

export async function runAction(
  request: ArmRequest,
  route: Extract<Route, { kind: 'action' }>,
): Promise<ArmReply> {
  const { action, declaration, name, names } = route;
  if (request.method !== action.method) {
    throw methodNotAllowed(request.method, `${declaration.type}/${name}`, [action.method]);
  }
  const run = async () => {
    const context = await actionContext(request, declaration, names);
    if (action.method === 'POST') refuseWhileDeleting(context);
    return finishAction(request, context, await action.run(context));
  };
  return action.method === 'GET' ? run() : request.environment.writes.run(run);
}

export async function actionContext(
  request: ArmRequest,
  declaration: Declaration,
  names: readonly string[],
): Promise<ActionContext> {
  assert(declaration.kind !== 'inline', `${declaration.type} is inline and cannot have actions`);
  const target = await locate(request, declaration, names);
  const row =
    declaration.kind === 'stored' ? await requireRow(request, declaration, names) : undefined;
  return {
    ...request.context,
    ...target,
    id: row?.body.id ?? target.id,
    row,
    body: request.body ?? {},
  };
}

/** Commits what the action wants and tells where the outcome will be. */
export async function finishAction(
  request: ArmRequest,
  context: ActionContext,
  result: ActionResult,
): Promise<ArmReply> {
  if ('answer' in result) return { status: 200, body: result.answer };
  const resource = result.operation.resource ?? context.row ?? context.parent;
  assert(resource, `an operation of ${context.id} has no resource`);
  const change = toChange(resource, result, context);
  const operation = startOperation(
    {
      operationId: request.environment.ids.uuid(),
      kind: result.operation.kind,
      resourceId: resource.body.id,
      generation: change?.body.generation ?? resource.body.generation,
      input: result.operation.input ?? {},
    },
    context.now,
  );
  const writes: Write[] = [
    operation,
    ...(result.writes ?? []),
    ...(change === undefined ? [] : [change]),
  ];
  await request.environment.store.commit(writes);
  return {
    status: 202,
    headers: acceptedHeaders(request, operation.body, locationOf(resource.body)),
  };
}

function toChange(
  { key, parent, type, revision, body }: Stored<'resource'>,
  result: Extract<ActionResult, { operation: unknown }>,
  { now }: ActionContext,
) {
  if (result.change === undefined) return undefined;
  return {
    put: 'resource' as const,
    key,
    parent,
    type,
    expect: revision,
    body: { ...body, ...result.change, generation: body.generation + 1, changedAt: isoTime(now) },
  };
}

function refuseWhileDeleting({ row, parent }: ActionContext): void {
  const deleting = [row, parent].find((one) => one?.body.provisioningState === 'Deleting');
  if (deleting === undefined) return;
  throw new ArmError(
    409,
    'OperationNotAllowed',
    `${deleting.body.id} is being deleted; nothing else can be asked of it.`,
  );
}
