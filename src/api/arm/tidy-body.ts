// Writes a body the way its schema spells it: property names without regard to case, and numbers
// and booleans that arrive as text. Compute and Network accept both, and clients use it. Pure.
import { z } from 'zod';
import type { Json, JsonObject } from '../../model/resource.ts';
import { isObject } from './merge.ts';

/** Unknown properties keep their spelling. Values that do not fit are left for the validator. */
export function tidyBody(schema: z.core.$ZodType, body: JsonObject): JsonObject {
  const tidy = tidyValue(schema, body);
  return isObject(tidy) ? tidy : body;
}

function tidyValue(schema: z.core.$ZodType, value: Json): Json {
  const inner = unwrap(schema);
  if (inner instanceof z.ZodObject && isObject(value)) return tidyObject(inner, value);
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item) => tidyValue(inner.element, item));
  }
  if (typeof value !== 'string') return value;
  if (inner instanceof z.ZodBoolean && /^(true|false)$/i.test(value)) {
    return value.toLowerCase() === 'true';
  }
  if (inner instanceof z.ZodNumber && /^-?\d{1,15}$/.test(value)) return Number(value);
  if (inner instanceof z.ZodEnum) return tidyEnum(inner, value);
  return value;
}

function tidyObject(schema: z.ZodObject, value: JsonObject): JsonObject {
  const spelling = new Map(Object.keys(schema.shape).map((key) => [key.toLowerCase(), key]));
  return Object.fromEntries(
    Object.entries(value).map(([given, child]) => {
      const key = spelling.get(given.toLowerCase()) ?? given;
      const field = schema.shape[key];
      return [key, field === undefined ? child : tidyValue(field, child)];
    }),
  );
}

function tidyEnum(schema: z.ZodEnum, value: string): string {
  const known = schema.options.find(
    (option) => String(option).toLowerCase() === value.toLowerCase(),
  );
  return known === undefined ? value : String(known);
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.def.innerType;
  }
  return inner;
}
