// Read, decide, commit; and again from the reading when somebody else wrote in between.
import { type Store, StoreConflict, type Write } from '../store/store.ts';

/** Each repeat means another writer got through, so even a busy store ends long before this. */
const COMMIT_ATTEMPTS_MAX = 20;

/** `decide` reads what it needs and returns the writes; undefined or none: nothing to do. */
export async function commitAgain(
  store: Store,
  decide: () => Promise<readonly Write[] | undefined>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const writes = await decide();
    if (writes === undefined || writes.length === 0) return;
    try {
      await store.commit(writes);
      return;
    } catch (error) {
      if (!(error instanceof StoreConflict) || attempt >= COMMIT_ATTEMPTS_MAX) throw error;
    }
  }
}
