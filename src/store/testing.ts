// Writes for the store's tests: operations, told apart by key and a number.
import { asResourceId } from '../model/resource-id.ts';
import type { Put } from './store.ts';

/** A put of an operation; `generation` tells its writings apart. */
export function operation(
  key: string,
  generation = 0,
  rest: Partial<Pick<Put<'operation'>, 'parent' | 'type' | 'expect'>> = {},
): Put<'operation'> {
  const { parent = '/set', type = 'scaleSet.put', ...expect } = rest;
  return {
    put: 'operation',
    key,
    parent,
    type,
    ...expect,
    body: {
      operationId: key,
      kind: type,
      resourceId: asResourceId(parent),
      generation,
      status: 'InProgress',
      input: { text: "it's “quoted” \u0000 and long" },
      cancelRequested: false,
      startTime: '2026-11-23T00:00:00Z',
    },
  };
}
