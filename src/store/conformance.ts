// One suite that every store passes: whole commits, preconditions, lists, the feed.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Change, type Store, StoreConflict } from './store.ts';
import { operation } from './testing.ts';

const keys = (documents: readonly { key: string }[]) => documents.map((d) => d.key);
const outline = (changes: readonly Change[]) =>
  changes.map((c) => `${c.revision}${c.removed ? '-' : '+'}${c.key}`);

/** Registers the suite's tests; call it inside a `describe`. `open` gives an empty store. */
export function testStoreConformance(open: () => Promise<Store>): void {
  let store: Store;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  test('a document comes back as it was put, at the revision of its commit', async () => {
    const put = operation('a', 7);
    expect(await store.get('operation', 'a')).toBeUndefined();
    expect(await store.commit([put])).toEqual({ revision: 1 });
    const { put: kind, ...rest } = put;
    expect(await store.get('operation', 'a')).toEqual({ kind, revision: 1, ...rest });
    expect(await store.get('instance', 'a')).toBeUndefined();
  });

  test('a commit is one revision for all its writes', async () => {
    await store.commit([operation('a'), operation('b')]);
    await store.commit([operation('b', 1), { remove: 'operation', key: 'a' }]);
    expect((await store.get('operation', 'b'))?.revision).toBe(2);
    expect(await store.get('operation', 'a')).toBeUndefined();
  });

  test('a conflict writes nothing and names the document', async () => {
    await store.commit([operation('a')]);
    const attempt = store.commit([
      operation('new'),
      { remove: 'operation', key: 'a' },
      operation('b', 0, { expect: 5 }),
    ]);
    await expect(attempt).rejects.toThrow(StoreConflict);
    await expect(attempt).rejects.toMatchObject({
      kind: 'operation',
      key: 'b',
      message: 'operation b is absent, not at revision 5',
    });
    expect(keys(await store.list('operation', {}))).toEqual(['a']);
    expect(await store.commit([operation('c')])).toEqual({ revision: 2 });
  });

  test.each([
    ['absent holds for a new document', 'new', 'absent', true],
    ['absent fails for one that is there', 'a', 'absent', false],
    ['the current revision holds', 'a', 1, true],
    ['an older revision fails', 'b', 1, false],
    ['a revision of a missing document fails', 'new', 1, false],
  ] as const)('expect: %s', async (_why, key, expected, holds) => {
    await store.commit([operation('a'), operation('b')]);
    await store.commit([operation('b', 1)]);
    const attempt = store.commit([operation(key, 9, { expect: expected })]);
    if (holds) await expect(attempt).resolves.toEqual({ revision: 3 });
    else await expect(attempt).rejects.toThrow(StoreConflict);
  });

  test('expect on a removal', async () => {
    await store.commit([operation('a')]);
    const remove = (expect: number) =>
      store.commit([{ remove: 'operation', key: 'a', expect } as const]);
    await expect(remove(9)).rejects.toThrow('operation a is at revision 1, not at revision 9');
    await remove(1);
    await expect(remove(1)).rejects.toThrow('operation a is absent, not at revision 1');
  });

  test('removing what is not there changes nothing, not even the revision', async () => {
    await store.commit([operation('a')]);
    expect(await store.commit([{ remove: 'operation', key: 'zz' }])).toEqual({ revision: 1 });
    expect(await store.commit([])).toEqual({ revision: 1 });
    expect(await store.changesSince(1)).toEqual([]);
  });

  test('one commit may not write a document twice', async () => {
    const attempt = store.commit([operation('a'), { remove: 'operation', key: 'a' }]);
    await expect(attempt).rejects.toThrow('one commit writes operation a twice');
  });

  test('lists are ordered by key and filtered by parent, type and prefix', async () => {
    await store.commit([
      operation('/x/b', 0, { parent: '/p', type: 't1' }),
      operation('/x/a', 0, { parent: '/p', type: 't2' }),
      operation('/x/c', 0, { parent: '/q', type: 't1' }),
      operation('/y/ä', 0, { parent: '/p', type: 't1' }),
    ]);
    const list = async (filter: Parameters<Store['list']>[1]) =>
      keys(await store.list('operation', filter));
    expect(await list({})).toEqual(['/x/a', '/x/b', '/x/c', '/y/ä']);
    expect(await list({ parent: '/p' })).toEqual(['/x/a', '/x/b', '/y/ä']);
    expect(await list({ type: 't1' })).toEqual(['/x/b', '/x/c', '/y/ä']);
    expect(await list({ parent: '/p', type: 't1' })).toEqual(['/x/b', '/y/ä']);
    expect(await list({ keyPrefix: '/x/' })).toEqual(['/x/a', '/x/b', '/x/c']);
    expect(await list({ keyPrefix: '/y/', parent: '/q' })).toEqual([]);
    expect(await list({ keyPrefix: '' })).toHaveLength(4);
    expect(await store.list('instance', {})).toEqual([]);
  });

  test('pages: after and limit walk the whole list once', async () => {
    const all = Array.from({ length: 25 }, (_, i) => `k${String(i).padStart(2, '0')}`);
    await store.commit(all.map((key) => operation(key)));
    const walked: string[] = [];
    for (let after = ''; ; after = walked.at(-1) ?? '') {
      const page = await store.list('operation', { parent: '/set', after, limit: 10 });
      walked.push(...keys(page));
      if (page.length < 10) break;
    }
    expect(walked).toEqual(all);
    expect(await store.list('operation', { limit: 0 })).toEqual([]);
  });

  test('changesSince gives the latest change of each document, oldest first', async () => {
    await store.commit([operation('a'), operation('b'), operation('c')]);
    await store.commit([operation('a', 1)]);
    await store.commit([{ remove: 'operation', key: 'b' }]);
    expect(outline(await store.changesSince(0))).toEqual(['1+c', '2+a', '3-b']);
    expect(outline(await store.changesSince(2))).toEqual(['3-b']);
    expect(await store.changesSince(3)).toEqual([]);
    // A document that comes back is no longer told as removed.
    await store.commit([operation('b', 2)]);
    expect(outline(await store.changesSince(1))).toEqual(['2+a', '4+b']);
  });

  test('a removal is told with the parent and type the document had', async () => {
    await store.commit([operation('a', 0, { parent: '/p', type: 't' })]);
    await store.commit([{ remove: 'operation', key: 'a' }]);
    const expected = { kind: 'operation', key: 'a', parent: '/p', type: 't', removed: true };
    expect(await store.changesSince(1)).toEqual([{ ...expected, revision: 2 }]);
  });

  test('listeners hear each commit, in order, before its caller goes on', async () => {
    const heard: string[] = [];
    store.subscribe((changes) => heard.push(outline(changes).join(' ')));
    await store.commit([operation('b'), operation('a')]);
    expect(heard).toEqual(['1+b 1+a']);
    await store.commit([{ remove: 'operation', key: 'b' }]);
    await expect(store.commit([operation('x', 0, { expect: 1 })])).rejects.toThrow();
    expect(heard).toEqual(['1+b 1+a', '2-b']);
  });

  test('a listener that commits does not disturb the order for the others', async () => {
    const heard: number[] = [];
    let again: Promise<unknown> = Promise.resolve();
    store.subscribe((changes) => {
      if (changes[0]?.revision === 1) again = store.commit([operation('second')]);
    });
    store.subscribe((changes) => heard.push(changes[0]?.revision ?? -1));
    await store.commit([operation('first')]);
    await again;
    expect(heard).toEqual([1, 2]);
  });

  test('an unsubscribed listener hears nothing more', async () => {
    const heard: number[] = [];
    const listener = (changes: readonly Change[]) => void heard.push(changes.length);
    const first = store.subscribe(listener);
    store.subscribe(listener);
    first();
    first();
    await store.commit([operation('a')]);
    expect(heard).toEqual([1]);
  });

  test('of concurrent writers with the same expectation one wins', async () => {
    await store.commit([operation('a')]);
    const attempts = await Promise.allSettled(
      Array.from({ length: 50 }, (_, i) => store.commit([operation('a', i, { expect: 1 })])),
    );
    expect(attempts.filter((a) => a.status === 'fulfilled')).toHaveLength(1);
    expect((await store.get('operation', 'a'))?.revision).toBe(2);
  });

  test('concurrent commits and reads: no revision is given twice, none is lost', async () => {
    const revisions = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const { revision } = await store.commit([operation(`k${i}`)]);
        expect((await store.get('operation', `k${i}`))?.revision).toBe(revision);
        return revision;
      }),
    );
    expect(revisions.toSorted((a, b) => a - b)).toEqual(revisions.map((_, i) => i + 1));
  });

  test('a closed store says so, and closing twice is fine', async () => {
    await store.close();
    await store.close();
    await expect(store.get('operation', 'a')).rejects.toThrow('is closed');
    await expect(store.commit([operation('a')])).rejects.toThrow('is closed');
  });
}
