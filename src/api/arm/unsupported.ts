// Refuses, by name, properties whose meaning this control plane cannot honour. Pure.
import type { Json, JsonObject } from '../../model/resource.ts';
import type { UnsupportedTable } from './declaration.ts';
import { valuesAt } from './json-path.ts';
import type { Problems } from './problems.ts';

// What a row of the table refuses.
export const isGiven = (value: Json): boolean => value !== null;
export const isTrue = (value: Json): boolean => value === true;
export const isFilled = (value: Json): boolean =>
  Array.isArray(value) ? value.length > 0 : value !== null && value !== '';
export const isOtherThan =
  (...accepted: readonly Json[]) =>
  (value: Json): boolean =>
    value !== null && !accepted.some((one) => fold(one) === fold(value));

export function checkSupported(
  table: UnsupportedTable,
  body: JsonObject,
  problems: Problems,
): void {
  for (const [path, refused, sentence] of table) {
    for (const { at, value } of valuesAt(body, path)) {
      if (!refused(value)) continue;
      const shown = typeof value === 'object' ? '' : ` '${String(value)}'`;
      problems.add(at, `${at}${shown} is not supported yet by this control plane. ${sentence}`);
    }
  }
}

function fold(value: Json): Json {
  return typeof value === 'string' ? value.toLowerCase() : value;
}
