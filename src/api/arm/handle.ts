// One ARM request in, one reply out: the route decides what is done.
import { assertNever } from '../../support/assert.ts';
import { methodNotAllowed } from './arm-error.ts';
import type { ArmReply, ArmRequest } from './arm-request.ts';
import type { ComputedDeclaration, Declaration, StoredDeclaration, Verb } from './declaration.ts';
import { deleteResource } from './delete-resource.ts';
import { handleInline } from './inline-resource.ts';
import { getOperation } from './operation-status.ts';
import { putResource } from './put-resource.ts';
import { getComputed, getStored, listComputed, listStored } from './read-resource.ts';
import type { Route } from './registry.ts';
import { actionContext, finishAction, runAction } from './run-action.ts';

export function handle(request: ArmRequest): Promise<ArmReply> {
  const route = request.environment.registry.route(request.path);
  switch (route.kind) {
    case 'operation':
      checkMethod(request, 'operation', ['GET']);
      return getOperation(request, route.operationId);
    case 'action':
      return runAction(request, route);
    case 'collection':
    case 'resource':
      checkMethod(request, route.declaration.type, methodsOf(route));
      return handleResource(request, route);
    default:
      return assertNever(route);
  }
}

function handleResource(
  request: ArmRequest,
  { kind, declaration, names }: Extract<Route, { kind: 'resource' | 'collection' }>,
): Promise<ArmReply> {
  switch (declaration.kind) {
    case 'inline':
      return handleInline(request, declaration, names, kind === 'collection');
    case 'computed':
      return kind === 'collection'
        ? listComputed(request, declaration, names)
        : handleComputed(request, declaration, names);
    case 'stored':
      return kind === 'collection'
        ? listStored(request, declaration, names)
        : handleStored(request, declaration, names);
    default:
      return assertNever(declaration);
  }
}

function handleStored(
  request: ArmRequest,
  declaration: StoredDeclaration,
  names: readonly string[],
): Promise<ArmReply> {
  switch (request.method) {
    case 'PUT':
    case 'PATCH':
      return putResource(request, declaration, names, request.method);
    case 'DELETE':
      return deleteResource(request, declaration, names);
    default:
      return getStored(request, declaration, names);
  }
}

async function handleComputed(
  request: ArmRequest,
  declaration: ComputedDeclaration,
  names: readonly string[],
): Promise<ArmReply> {
  if (request.method !== 'DELETE') return getComputed(request, declaration, names);
  return request.environment.writes.run(async () => {
    const context = await actionContext(request, declaration, names);
    const result = await declaration.delete?.(context);
    return result === undefined ? { status: 204 } : finishAction(request, context, result);
  });
}

const METHODS: Readonly<Record<Verb, string>> = {
  get: 'GET',
  list: 'GET',
  put: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
};

function methodsOf({
  kind,
  declaration,
}: Extract<Route, { kind: 'resource' | 'collection' }>): string[] {
  const verbs = verbsOf(declaration);
  if (kind === 'collection') return verbs.includes('list') ? ['GET'] : [];
  const methods = verbs.filter((verb) => verb !== 'list').map((verb) => METHODS[verb]);
  return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
}

function verbsOf(declaration: Declaration): readonly Verb[] {
  if (declaration.kind !== 'computed') return declaration.verbs;
  return [
    'get',
    ...(declaration.list === undefined ? [] : (['list'] as const)),
    ...(declaration.delete === undefined ? [] : (['delete'] as const)),
  ];
}

function checkMethod({ method }: ArmRequest, what: string, allowed: string[]): void {
  if (!allowed.includes(method)) throw methodNotAllowed(method, what, allowed);
}
