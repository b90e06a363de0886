// Ends `resourceGroup.delete`: deletes what the group holds, in whatever order it lets go, and then
// the group. As ARM does it: ask each resource, revisit refusals as long as something gives way.
import { resourceKey } from '../model/resource-id.ts';
import type { ArmErrorBody } from '../model/resource.ts';
import { replace } from '../store/replace.ts';
import type { Store, Stored } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import { commitAgain } from './commit-again.ts';
import { endOperation, isOpen, listOpenOperations } from './operations.ts';
import { removeResource } from './remove-resource.ts';

/** `goesWithParent`: it cannot be deleted by itself. `retry`: it changed meanwhile. */
export type DeletionAttempt =
  | { readonly kind: 'deleted' | 'deleting' | 'goesWithParent' | 'retry' }
  | { readonly kind: 'refused'; readonly error: ArmErrorBody };

export type ResourceGroupDeletionDeps = {
  readonly store: Store;
  readonly clock: Pick<Clock, 'now'>;
  /** Deletes one resource as the API would. */
  readonly deleteResource: (row: Stored<'resource'>) => Promise<DeletionAttempt>;
  readonly onError: (error: unknown) => void;
};

export class ResourceGroupDeletions {
  readonly #deps: ResourceGroupDeletionDeps;
  #work: Promise<void> = Promise.resolve();
  #wanted = false;
  #unsubscribe: () => void = () => {};

  constructor(deps: ResourceGroupDeletionDeps) {
    this.#deps = deps;
  }

  /** Takes up open deletions, those a crash left included. Any change may be what one waits for. */
  start(): void {
    this.#unsubscribe = this.#deps.store.subscribe((changes) => {
      const relevant = changes.some(
        ({ kind, removed, type }) =>
          (kind === 'operation' && type === 'resourceGroup.delete') ||
          (kind === 'resource' && removed),
      );
      if (relevant) this.#look();
    });
    this.#look();
  }

  /** Returns when the pass at hand has ended; the rest waits for the next start. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#work;
  }

  /** One pass at a time; changes during a pass ask for one more. */
  #look(): void {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#work = this.#work
      .then(async () => {
        this.#wanted = false;
        const { store } = this.#deps;
        for (const operation of await listOpenOperations(store, { kind: 'resourceGroup.delete' })) {
          await this.#pass(operation);
        }
      })
      .catch(this.#deps.onError);
  }

  async #pass(operation: Stored<'operation'>): Promise<void> {
    const groupKey = resourceKey(operation.body.resourceId);
    const rows = await this.#deps.store.list('resource', { keyPrefix: `${groupKey}/` });
    // Nested ones have the longer ids, so that most of a group goes in one pass.
    const deepestFirst = rows.toSorted((a, b) => b.key.length - a.key.length);
    const attempts: DeletionAttempt[] = [];
    for (const row of deepestFirst) attempts.push(await this.#attempt(row));
    const has = (kind: DeletionAttempt['kind']) =>
      attempts.some((attempt) => attempt.kind === kind);
    if (rows.length === 0) return this.#end(operation, groupKey);
    if (has('deleted') || has('retry')) return this.#pass(operation);
    // The end of that deletion is a change, and starts the next pass.
    if (has('deleting')) return undefined;
    const refusals = attempts.flatMap((one) => (one.kind === 'refused' ? [one.error] : []));
    return this.#fail(operation, groupKey, refusals);
  }

  #attempt(row: Stored<'resource'>): Promise<DeletionAttempt> {
    if (row.body.provisioningState === 'Deleting') return Promise.resolve({ kind: 'deleting' });
    return this.#deps.deleteResource(row);
  }

  #end(operation: Stored<'operation'>, groupKey: string): Promise<void> {
    const { clock, store } = this.#deps;
    return commitAgain(store, async () => {
      const open = await store.get('operation', operation.key);
      if (open === undefined || !isOpen(open)) return undefined;
      return [
        endOperation(open, { status: 'Succeeded' }, clock.now()),
        ...(await removeResource(store, groupKey)),
      ];
    });
  }

  #fail(
    operation: Stored<'operation'>,
    groupKey: string,
    refusals: readonly ArmErrorBody[],
  ): Promise<void> {
    const { clock, store } = this.#deps;
    const first = refusals[0]?.message ?? 'what it holds cannot be deleted.';
    const error: ArmErrorBody = {
      code: 'ResourceGroupDeletionBlocked',
      message: `Deletion of the resource group ${operation.body.resourceId} stopped: ${first}`,
      details: refusals,
    };
    return commitAgain(store, async () => {
      const open = await store.get('operation', operation.key);
      const group = await store.get('resource', groupKey);
      if (open === undefined || !isOpen(open)) return undefined;
      const end = endOperation(open, { status: 'Failed', error }, clock.now());
      if (group === undefined) return [end];
      return [end, replace(group, { ...group.body, provisioningState: 'Succeeded' })];
    });
  }
}
