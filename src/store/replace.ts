// The write that puts a new body in place of a document as it was read. Pure.
import type { Documents, Kind, Put, Stored } from './store.ts';

/** Its commit conflicts when somebody wrote the document since. `type` is kept unless given. */
export function replace<K extends Kind>(
  stored: Stored<K>,
  body: Documents[K],
  type: string = stored.type,
): Put<K> {
  const { kind, key, parent, revision } = stored;
  return { put: kind, key, parent, type, body, expect: revision };
}
