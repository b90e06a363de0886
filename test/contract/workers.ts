// What reconcilers and runners do to the store, in one stroke: operations end, rows become real.
import { commitAgain } from '../../src/operations/commit-again.ts';
import { endOperation, listOpenOperations } from '../../src/operations/operations.ts';
import { removeResource } from '../../src/operations/remove-resource.ts';
import type { Json, JsonObject } from '../../src/model/resource.ts';
import type { Kind, Put, Store, Write } from '../../src/store/store.ts';

export type Act =
  /** Ends every open operation of the kind; `output` or `error` as given. */
  | {
      readonly end: string;
      readonly output?: Json;
      readonly error?: { code: string; message: string };
      readonly internal?: JsonObject;
    }
  /** Writes documents as they are. */
  | {
      readonly put: readonly {
        kind: Kind;
        key: string;
        parent: string;
        type: string;
        body: unknown;
      }[];
    };

const NOW = Date.parse('2026-03-02T12:00:00Z');

export async function actAs(store: Store, act: Act): Promise<void> {
  if ('put' in act) {
    const puts = act.put.map(({ kind, key, parent, type, body }) => ({
      put: kind,
      key: key.toLowerCase(),
      parent: parent.toLowerCase(),
      type,
      body,
    }));
    await store.commit(puts as unknown as Put[]);
    return;
  }
  const kind = act.end as Parameters<typeof listOpenOperations>[1]['kind'] & string;
  for (const operation of await listOpenOperations(store, { kind })) {
    await commitAgain(store, async () => {
      const outcome =
        act.error === undefined
          ? ({
              status: 'Succeeded',
              ...(act.output === undefined ? {} : { output: act.output }),
            } as const)
          : ({ status: 'Failed', error: act.error } as const);
      const end = endOperation(operation, outcome, NOW);
      return [end, ...(await rowWrites(store, operation.parent, kind, act))];
    });
  }
}

async function rowWrites(
  store: Store,
  key: string,
  kind: string,
  act: Extract<Act, { end: string }>,
): Promise<Write[]> {
  const row = await store.get('resource', key);
  if (row === undefined) return [];
  if (kind.endsWith('.delete') && act.error === undefined)
    return removeResource(store, row.body.id);
  if (!kind.endsWith('.put')) return [];
  const { parent, type, revision, body } = row;
  const provisioningState = act.error === undefined ? 'Succeeded' : 'Failed';
  const internal = { ...body.internal, ...act.internal };
  const error = act.error === undefined ? {} : { error: act.error };
  return [
    {
      put: 'resource',
      key,
      parent,
      type,
      expect: revision,
      body: { ...body, provisioningState, internal, ...error },
    },
  ];
}
