// Deletes one resource by its declaration, for the deletion of a whole resource group.
import type { DeletionAttempt } from '../operations/resource-group-deletion.ts';
import { StoreConflict } from '../store/store.ts';
import type { Store, Stored } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Ids } from '../support/ids.ts';
import { ArmError } from './arm/arm-error.ts';
import type { Declaration, RequestContext } from './arm/declaration.ts';
import { planDeletion } from './arm/delete-resource.ts';
import { Registry } from './arm/registry.ts';

export type DeleterDependencies = {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
};

export function resourceDeleter(
  { store, clock, ids }: DeleterDependencies,
  declarations: readonly Declaration[],
): (row: Stored<'resource'>) => Promise<DeletionAttempt> {
  const registry = new Registry(declarations);
  return async (row) => {
    const declaration = registry.find(row.body.type);
    if (declaration?.kind !== 'stored' || !declaration.verbs.includes('delete')) {
      return { kind: 'goesWithParent' };
    }
    const context: RequestContext = {
      store,
      now: clock.now(),
      ids,
      baseUrl: '',
      query: new URLSearchParams(),
    };
    try {
      const deletion = await planDeletion({ store, ids }, declaration, row, context);
      await store.commit(deletion.writes);
      if (deletion.operation !== undefined) return { kind: 'deleting' };
      await declaration.afterDelete?.(row);
      return { kind: 'deleted' };
    } catch (error) {
      if (error instanceof StoreConflict) return { kind: 'retry' };
      if (!(error instanceof ArmError)) throw error;
      return { kind: 'refused', error: error.toBody() };
    }
  };
}
