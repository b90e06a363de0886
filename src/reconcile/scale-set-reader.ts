// Reads a scale set's row and the rows its model depends on, as the internal model.
import type { ResourceRow } from '../model/resource.ts';
import type { ScaleSet } from '../model/scale-set.ts';
import type { Store, Stored } from '../store/store.ts';
import { TYPES } from './keys.ts';

export type ReadScaleSet = {
  readonly row: Stored<'resource'>;
  readonly model: ScaleSet;
};

/** Pure converter from rows to the model; lives with the API's schema and is passed in. */
export type ToScaleSet = (rows: {
  scaleSet: ResourceRow;
  loadBalancers: readonly ResourceRow[];
  rolloutPolicy?: ResourceRow;
}) => ScaleSet;

export type ScaleSetReader = (key: string) => Promise<ReadScaleSet | undefined>;

/** Undefined when there is no such scale set. */
export function scaleSetReader(store: Store, toScaleSet: ToScaleSet): ScaleSetReader {
  return async (key) => {
    const row = await store.get('resource', key);
    if (row === undefined || row.type !== TYPES.scaleSet) return undefined;
    const [loadBalancers, policy] = await Promise.all([
      store.list('resource', { type: TYPES.loadBalancer }),
      store.get('resource', `${key}/providers/rollset.fleet/rolloutpolicies/default`),
    ]);
    const model = toScaleSet({
      scaleSet: row.body,
      loadBalancers: loadBalancers.map((each) => each.body),
      ...(policy === undefined ? {} : { rolloutPolicy: policy.body }),
    });
    return { row, model };
  };
}
