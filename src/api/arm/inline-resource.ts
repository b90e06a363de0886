// Inline types: named elements of an array in their parent's body (subnets, probes). Reading picks
// the element; writing and deleting change the parent through its own PUT.
import type { Json, JsonObject } from '../../model/resource.ts';
import type { Stored } from '../../store/store.ts';
import { assert } from '../../support/assert.ts';
import { ArmError, methodNotAllowed, resourceNotFound } from './arm-error.ts';
import type { ArmReply, ArmRequest } from './arm-request.ts';
import type { InlineDeclaration, StoredDeclaration } from './declaration.ts';
import { checkPreconditions } from './etag.ts';
import { locate, showResource } from './locate.ts';
import { isObject } from './merge.ts';
import { presentInline, presentResource } from './present.ts';
import { applyBody } from './put-resource.ts';
import { requireRow } from './read-resource.ts';
import { parentType } from './registry.ts';

const NAME = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?$/;

export async function handleInline(
  request: ArmRequest,
  declaration: InlineDeclaration,
  names: readonly string[],
  collection: boolean,
): Promise<ArmReply> {
  const parent = request.environment.registry.find(parentType(declaration.type));
  assert(parent?.kind === 'stored', `${declaration.type} has no stored parent type`);
  const parentNames = collection ? names : names.slice(0, -1);
  const name = names.at(-1) ?? '';
  if (collection)
    return { status: 200, body: { value: await read(request, declaration, parent, parentNames) } };
  switch (request.method) {
    case 'GET': {
      const found = findNamed(await read(request, declaration, parent, parentNames), name);
      if (found !== undefined) return { status: 200, body: found };
      throw resourceNotFound(showResource(declaration.type, names), request.path.resourceGroup);
    }
    case 'PUT':
      return write(request, declaration, parent, parentNames, name);
    case 'DELETE':
      return remove(request, declaration, parent, parentNames, name);
    default:
      throw methodNotAllowed(request.method, declaration.type, ['GET', 'PUT', 'DELETE']);
  }
}

async function read(
  request: ArmRequest,
  declaration: InlineDeclaration,
  parent: StoredDeclaration,
  parentNames: readonly string[],
): Promise<JsonObject[]> {
  const row = await requireRow(request, parent, parentNames);
  const body = await presentResource(request.environment.registry, parent, row, request.context);
  const properties = isObject(body['properties']) ? body['properties'] : {};
  return presentInline(declaration, row, properties);
}

function write(
  request: ArmRequest,
  declaration: InlineDeclaration,
  parent: StoredDeclaration,
  parentNames: readonly string[],
  name: string,
): Promise<ArmReply> {
  const { body } = request;
  if (body === undefined) throw new ArmError(400, 'InvalidRequestContent', 'PUT needs a body.');
  if (!NAME.test(name)) {
    throw new ArmError(
      400,
      'InvalidResourceName',
      `Resource name ${name} is invalid: 1 to 80 letters, digits, '_', '.' or '-', beginning with a letter or digit.`,
    );
  }
  return changeParent(request, declaration, parent, parentNames, (elements) => {
    const kept = elements.filter((one) => !isNamed(one, name));
    const created = kept.length === elements.length;
    return { elements: [...kept, { ...body, name }], status: created ? 201 : 200, name };
  });
}

function remove(
  request: ArmRequest,
  declaration: InlineDeclaration,
  parent: StoredDeclaration,
  parentNames: readonly string[],
  name: string,
): Promise<ArmReply> {
  return changeParent(request, declaration, parent, parentNames, (elements) => {
    const kept = elements.filter((one) => !isNamed(one, name));
    return kept.length === elements.length ? { status: 204 } : { elements: kept, status: 200 };
  });
}

type Outcome = { readonly status: number; readonly elements?: Json[]; readonly name?: string };

function changeParent(
  request: ArmRequest,
  declaration: InlineDeclaration,
  parent: StoredDeclaration,
  parentNames: readonly string[],
  change: (elements: readonly Json[]) => Outcome,
): Promise<ArmReply> {
  return request.environment.writes.run(async () => {
    const row = await requireRow(request, parent, parentNames);
    checkPreconditions(request.preconditions, row.revision);
    const outcome = change(elementsOf(row, declaration));
    if (outcome.elements === undefined) return { status: outcome.status };
    const properties = isObject(row.body.body['properties']) ? row.body.body['properties'] : {};
    const body = {
      ...row.body.body,
      properties: { ...properties, [declaration.property]: outcome.elements },
    };
    const target = await locate(request, parent, parentNames);
    const reply = await applyBody(request, parent, { target, existing: row, verb: 'PUT', body });
    if (outcome.name === undefined) return { status: outcome.status };
    const written = isObject(reply.body?.['properties']) ? reply.body['properties'] : {};
    const elements = written[declaration.property];
    const found = findNamed(Array.isArray(elements) ? elements.filter(isObject) : [], outcome.name);
    return { ...reply, status: outcome.status, ...(found === undefined ? {} : { body: found }) };
  });
}

function elementsOf(row: Stored<'resource'>, declaration: InlineDeclaration): Json[] {
  const { properties } = row.body.body;
  const elements = isObject(properties) ? properties[declaration.property] : undefined;
  return Array.isArray(elements) ? elements : [];
}

function findNamed(elements: readonly JsonObject[], name: string): JsonObject | undefined {
  return elements.find((one) => isNamed(one, name));
}

function isNamed(element: Json, name: string): boolean {
  const own = isObject(element) ? element['name'] : undefined;
  return typeof own === 'string' && own.toLowerCase() === name.toLowerCase();
}
