// Takes out what only the server writes: clients send it back with what they read. Pure.
import type { Json, JsonObject } from '../../model/resource.ts';
import { isObject } from './merge.ts';

const READ_ONLY = ['id', 'name', 'type', 'etag', 'systemData'];

/** `inlineProperties`: arrays whose elements are resources of their own and have such fields too. */
export function withoutReadOnly(
  given: JsonObject,
  inlineProperties: readonly string[],
): JsonObject {
  const body = Object.fromEntries(
    Object.entries(given).filter(([key]) => !READ_ONLY.includes(key)),
  );
  const { properties } = body;
  if (!isObject(properties)) return body;
  const cleaned = Object.entries(properties)
    .filter(([key]) => key !== 'provisioningState')
    .map(([key, value]): [string, Json] =>
      inlineProperties.includes(key) && Array.isArray(value)
        ? [key, value.map(withoutElementReadOnly)]
        : [key, value],
    );
  return { ...body, properties: Object.fromEntries(cleaned) };
}

function withoutElementReadOnly(element: Json): Json {
  if (!isObject(element)) return element;
  const { id: _id, type: _type, etag: _etag, ...rest } = element;
  if (!isObject(rest['properties'])) return rest;
  const { provisioningState: _state, ...properties } = rest['properties'];
  return { ...rest, properties };
}
