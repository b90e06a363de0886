// How a body meets the one that is stored. Pure.
import type { Json, JsonObject } from '../../model/resource.ts';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7396: objects merge, null removes, anything else replaces. Tags are replaced as a whole. */
export function mergePatch(stored: JsonObject, patch: JsonObject): JsonObject {
  return mergeObjects(stored, patch, ['tags'], '', 'null removes');
}

/**
 * A PUT that keeps what it omits: clients send `{location, sku}` to scale, and whole sets without
 * their image. A null counts as omitted. Paths in `wholesale` are replaced as a whole when given.
 */
export function mergePut(
  stored: JsonObject,
  body: JsonObject,
  wholesale: readonly string[],
): JsonObject {
  return mergeObjects(stored, body, wholesale, '', 'null is absent');
}

/** A body without its nulls: clients write them for fields they do not set. */
export function dropNulls(value: JsonObject): JsonObject {
  return mergeObjects({}, value, [], '', 'null is absent');
}

function mergeObjects(
  stored: JsonObject,
  given: JsonObject,
  wholesale: readonly string[],
  path: string,
  nulls: 'null removes' | 'null is absent',
): JsonObject {
  const merged = new Map<string, Json>(Object.entries(stored));
  for (const [key, value] of Object.entries(given)) {
    const at = path === '' ? key : `${path}.${key}`;
    if (value === null) {
      if (nulls === 'null removes') merged.delete(key);
      continue;
    }
    const before = merged.get(key);
    const base = isObject(before) && !wholesale.includes(at) ? before : {};
    merged.set(key, mergeValue(base, value, wholesale, at, nulls));
  }
  return Object.fromEntries(merged);
}

function mergeValue(
  base: JsonObject,
  value: Json,
  wholesale: readonly string[],
  at: string,
  nulls: 'null removes' | 'null is absent',
): Json {
  if (isObject(value)) return mergeObjects(base, value, wholesale, at, nulls);
  if (!Array.isArray(value)) return value;
  return value
    .filter((item) => item !== null)
    .map((item) => (isObject(item) ? mergeObjects({}, item, [], at, 'null is absent') : item));
}
