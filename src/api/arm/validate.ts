// Runs a schema over a body and names what does not fit, in Azure's words. Pure.
import type { z } from 'zod';
import type { JsonObject } from '../../model/resource.ts';
import type { Problems } from './problems.ts';

/** The parsed body with its defaults. Throws all the problems collected so far with its own. */
export function validateBody<Schema extends z.ZodType>(
  schema: Schema,
  body: JsonObject,
  problems: Problems,
): z.infer<Schema> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const target = toTarget(issue.path);
    // What is refused as not supported needs no second word about its shape.
    if (problems.has(target)) continue;
    problems.add(target, `The value of parameter ${target} is invalid: ${issue.message}.`);
  }
  problems.throwIfAny();
  throw result.error;
}

/** `['properties', 'dataDisks', 0, 'lun']` is `properties.dataDisks[0].lun`. */
function toTarget(path: readonly PropertyKey[]): string {
  const text = path.reduce<string>(
    (left, part) =>
      typeof part === 'number'
        ? `${left}[${part}]`
        : `${left}${left === '' ? '' : '.'}${String(part)}`,
    '',
  );
  return text === '' ? 'body' : text;
}
