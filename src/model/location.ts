// Azure compares locations without case and spaces: `West US` is `westus`. Pure.
import type { ResourceRow } from './resource.ts';

export function foldLocation(location: string): string {
  return location.replaceAll(' ', '').toLowerCase();
}

/** Of a row; empty where a type has none. */
export function locationOf(row: ResourceRow): string {
  const location = row.body['location'];
  return typeof location === 'string' ? location : '';
}
