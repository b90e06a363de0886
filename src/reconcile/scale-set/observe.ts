// Looks at one scale set: its model, instances, the run in flight, versions and open operations.
import { z } from 'zod';
import type { CandidateVersion, LatestAnswer } from '../../planning/gallery/view.ts';
import { resolveLatest } from '../../planning/gallery/latest.ts';
import { listOpenOperations } from '../../operations/operations.ts';
import type { Store, Stored } from '../../store/store.ts';
import { TYPES } from '../keys.ts';
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
  readonly quarantined: ReadonlyMap<string, string>;
};

export type ScaleSetObserveDependencies = {
  readonly store: Store;
  readonly readScaleSet: ScaleSetReader;
  /** Pure converter of a version's row; lives with the gallery. */
  readonly toCandidate: (
    row: Stored<'resource'>,
    quarantined: string | undefined,
  ) => CandidateVersion;
};

/** Undefined when the set is gone. */
export async function observeScaleSet(
  key: string,
  deps: ScaleSetObserveDependencies,
): Promise<SeenScaleSet | undefined> {
  const set = await deps.readScaleSet(key);
  if (set === undefined) return undefined;
  const { store } = deps;
  const definitionKey = set.model.image.definitionId.toLowerCase();
  const [instances, statuses, runs, operations, versions, quarantines] = await Promise.all([
    store.list('instance', { parent: key }),
    store.list('instanceStatus', { parent: key }),
    store.list('run', { parent: key, type: 'active' }),
    listOpenOperations(store, { resourceId: key }),
    store.list('resource', { parent: definitionKey, type: TYPES.imageVersion }),
    store.list('resource', { parent: key, type: TYPES.quarantine }),
  ]);
  const quarantined = new Map(quarantines.map((row) => [row.body.name, reasonOf(row)]));
  const candidates = versions.map((row) => deps.toCandidate(row, quarantined.get(row.body.name)));
  return {
    key,
    set,
    instances,
    statuses: new Map(statuses.map((status) => [status.key, status])),
    run: runs[0],
    operations,
    versions,
    latest: resolveLatest(candidates, set.model.location),
    quarantined,
  };
}

const quarantineSchema = z.object({ properties: z.object({ reason: z.string() }) });

function reasonOf(row: Stored<'resource'>): string {
  const read = quarantineSchema.safeParse(row.body.body);
  return read.success ? read.data.properties.reason : 'no reason was given';
}
