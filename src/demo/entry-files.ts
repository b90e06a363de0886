// The entries on the data disks: their hashes as the guest computes them, and each entry read back
// from the instance that acknowledged it. Comparing is pure.
import type { Acknowledged } from './traffic.ts';

/** By instance name, then file name: the SHA-256 of the file's bytes. */
export type EntryHashes = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** Run in the guest; an empty folder prints nothing. */
export const HASH_COMMAND =
  'cd /var/lib/guestbook/entries && find . -name "*.entry" -exec sha256sum {} +';

/** Parses what `sha256sum` prints: `<64 hex>  ./<name>`. */
export function parseHashes(output: string): ReadonlyMap<string, string> {
  const hashes = new Map<string, string>();
  for (const line of output.split('\n')) {
    const match = /^([0-9a-f]{64}) [ *]\.\/(.+)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) hashes.set(match[2], match[1]);
    else if (line.trim() !== '') throw new Error(`not a line of sha256sum: ${line}`);
  }
  return hashes;
}

/** Files of `before` that are missing or differ in `after`, as `<instance>/<file>`. */
export function changedFiles(before: EntryHashes, after: EntryHashes): string[] {
  return [...before].flatMap(([instance, files]) =>
    [...files]
      .filter(([name, hash]) => after.get(instance)?.get(name) !== hash)
      .map(([name]) => `${instance}/${name}`),
  );
}

export function countFiles(hashes: EntryHashes): number {
  return [...hashes.values()].reduce((sum, files) => sum + files.size, 0);
}

/** What one instance answers when asked for its entries, by the host name in its entries. */
export type ReadBack = ReadonlyMap<
  string,
  readonly { readonly id: string; readonly text: string }[]
>;

/** Acknowledged entries that their own instance does not have, or has with another text. */
export function lostEntries(
  acknowledged: readonly Acknowledged[],
  found: ReadBack,
): Acknowledged[] {
  const kept = new Map<string, string>();
  for (const [instance, entries] of found) {
    for (const entry of entries) kept.set(`${instance}/${entry.id}`, entry.text);
  }
  return acknowledged.filter(
    ({ instance, id, text }) => kept.get(`${instance}/${id}`)?.endsWith(text) !== true,
  );
}
