// Reads values out of a JSON body by path: `properties.subnets[].name`. Pure.
import type { Json, JsonObject } from '../../model/resource.ts';
import { isObject } from './merge.ts';

type Found = { readonly at: string; readonly value: Json };

/** Every value at `a.b[].c`, with the path it really has. */
export function valuesAt(body: JsonObject, path: string): Found[] {
  return path.split('.').reduce<Found[]>(
    (found, part) =>
      found.flatMap(({ at, value }) => {
        const key = part.replace('[]', '');
        const child = isObject(value) ? value[key] : undefined;
        if (child === undefined) return [];
        const childAt = at === '' ? key : `${at}.${key}`;
        if (!part.endsWith('[]')) return [{ at: childAt, value: child }];
        if (!Array.isArray(child)) return [];
        return child.map((item, i) => ({ at: `${childAt}[${i}]`, value: item }));
      }),
    [{ at: '', value: body }],
  );
}

export function valueAt(body: JsonObject, path: string): Json | undefined {
  return valuesAt(body, path)[0]?.value;
}

/** Undefined when there is nothing, or no text. */
export function textAt(body: JsonObject, path: string): string | undefined {
  const value = valueAt(body, path);
  return typeof value === 'string' ? value : undefined;
}

/** Every text at the path; other values are left out. */
export function textsAt(body: JsonObject, path: string): string[] {
  return valuesAt(body, path).flatMap(({ value }) => (typeof value === 'string' ? [value] : []));
}
