// A stored row as the client sees it: the type's own presentation in the envelope of ARM.
import { childId } from '../../model/resource-id.ts';
import type { Json, JsonObject } from '../../model/resource.ts';
import type { Stored } from '../../store/store.ts';
import type { InlineDeclaration, RequestContext, StoredDeclaration } from './declaration.ts';
import { toEtag } from './etag.ts';
import { isObject } from './merge.ts';
import type { Registry } from './registry.ts';

export async function presentResource(
  registry: Registry,
  declaration: StoredDeclaration,
  row: Stored<'resource'>,
  context: RequestContext,
): Promise<JsonObject> {
  const { id, name, provisioningState, createdAt, changedAt } = row.body;
  const body = (await declaration.present?.(row, context)) ?? row.body.body;
  const properties = isObject(body['properties']) ? body['properties'] : {};
  const etag = toEtag(row.revision);
  return {
    id,
    name,
    type: declaration.type,
    ...body,
    etag,
    systemData: { createdAt, lastModifiedAt: changedAt },
    properties: {
      ...properties,
      ...inlineElements(registry, declaration, row, properties),
      provisioningState,
    },
  };
}

/** The elements of one inline array, each an addressable resource. */
export function presentInline(
  declaration: InlineDeclaration,
  row: Stored<'resource'>,
  properties: JsonObject,
): JsonObject[] {
  const elements = properties[declaration.property];
  if (!Array.isArray(elements)) return [];
  const word = declaration.type.split('/').at(-1) ?? '';
  return elements.filter(isObject).map((element) => {
    const name = typeof element['name'] === 'string' ? element['name'] : '';
    const own = isObject(element['properties']) ? element['properties'] : {};
    return {
      ...element,
      id: childId(row.body.id, word, name),
      name,
      type: declaration.type,
      etag: toEtag(row.revision),
      properties: { ...own, provisioningState: row.body.provisioningState },
    };
  });
}

function inlineElements(
  registry: Registry,
  declaration: StoredDeclaration,
  row: Stored<'resource'>,
  properties: JsonObject,
): JsonObject {
  return Object.fromEntries(
    registry
      .inlineTypesOf(declaration.type)
      .map((inline): [string, Json] => [inline.property, presentInline(inline, row, properties)]),
  );
}
