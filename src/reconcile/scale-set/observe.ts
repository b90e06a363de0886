// Looks at one scale set: its model, instances, the run in flight, versions and open operations.
import { readVersionsOfSet } from '../../gallery/read-versions.ts';
import type { LatestAnswer } from '../../planning/gallery/view.ts';
import { resolveLatest } from '../../planning/gallery/latest.ts';
import { listOpenOperations } from '../../operations/operations.ts';
import type { Store, Stored } from '../../store/store.ts';
import type { ReadScaleSet, ScaleSetReader } from '../scale-set-reader.ts';

export type SeenScaleSet = {
  readonly key: string;
  readonly set: ReadScaleSet;
  readonly instances: readonly Stored<'instance'>[];
  /** By instance key. */
  readonly statuses: ReadonlyMap<string, Stored<'instanceStatus'>>;
  readonly run: Stored<'run'> | undefined;
  readonly operations: readonly Stored<'operation'>[];
  readonly versions: readonly Stored<'resource'>[];
  readonly latest: LatestAnswer;
};

export type ScaleSetObserveDependencies = {
  readonly store: Store;
  readonly readScaleSet: ScaleSetReader;
};

/** Undefined when the set is gone. */
export async function observeScaleSet(
  key: string,
  deps: ScaleSetObserveDependencies,
): Promise<SeenScaleSet | undefined> {
  const set = await deps.readScaleSet(key);
  if (set === undefined) return undefined;
  const { store } = deps;
  const [instances, statuses, runs, operations, versions] = await Promise.all([
    store.list('instance', { parent: key }),
    store.list('instanceStatus', { parent: key }),
    store.list('run', { parent: key, type: 'active' }),
    listOpenOperations(store, { resourceId: key }),
    readVersionsOfSet(store, set.model.image.definitionId, key),
  ]);
  return {
    key,
    set,
    instances,
    statuses: new Map(statuses.map((status) => [status.key, status])),
    run: runs[0],
    operations,
    versions: versions.rows,
    latest: resolveLatest(versions.candidates, set.model.location),
  };
}
