// Hands each open operation of some kinds to whoever ends it: those found open at the start (after
// a crash), then each as it appears or changes.
import type { Store, Stored } from '../store/store.ts';
import { isOpen, listOpenOperations, type OperationKind } from './operations.ts';

/**
 * Calls `onOpen` at least once for each open operation and again with each change of it; the caller
 * tells repeats apart by the operation's id. Returns the function that stops it.
 */
export async function followOperations(
  store: Store,
  kinds: readonly OperationKind[],
  onOpen: (operation: Stored<'operation'>) => void,
  onError: (error: unknown) => void,
): Promise<() => void> {
  const look = async (key: string): Promise<void> => {
    const operation = await store.get('operation', key);
    if (operation !== undefined && isOpen(operation)) onOpen(operation);
  };
  const unsubscribe = store.subscribe((changes) => {
    for (const { kind, key, type, removed } of changes) {
      if (kind !== 'operation' || removed || !kinds.some((each) => each === type)) continue;
      look(key).catch(onError);
    }
  });
  for (const kind of kinds) {
    for (const operation of await listOpenOperations(store, { kind })) onOpen(operation);
  }
  return unsubscribe;
}
