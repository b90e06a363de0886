// The store port: typed documents, whole transactions, an ordered change feed.
//
// Four kinds of documents, each addressed by (kind, key). A commit is one durable transaction: all
// writes or none. Every commit gets the next revision number, and each document carries the
// revision of its last write, which serves as its etag and as the change feed's position.
import type { OperationRow, ResourceRow } from '../model/resource.ts';
import type { InstanceRow, InstanceStatusRow, UpgradeRunRow } from '../model/scale-set.ts';

export type Documents = {
  /** key: resource key. parent: key of the parent resource or scope. type: ARM type, lower case. */
  resource: ResourceRow;
  /** key: operation id. parent: resource key. type: operation kind. */
  operation: OperationRow;
  /** key: `<scale set key>/virtualmachines/<id>`. parent: scale set key. type: ''. */
  instance: InstanceRow;
  /** Same key and parent as its instance. */
  instanceStatus: InstanceStatusRow;
  /** key: run id. parent: scale set key. type: `active` while RollingForward, then `ended`. */
  run: UpgradeRunRow;
};
export type Kind = keyof Documents;

export type Stored<K extends Kind> = {
  readonly kind: K;
  readonly key: string;
  readonly parent: string;
  readonly type: string;
  readonly revision: number;
  readonly body: Documents[K];
};

export type Put<K extends Kind = Kind> = {
  [P in K]: {
    readonly put: P;
    readonly key: string;
    readonly parent: string;
    readonly type: string;
    readonly body: Documents[P];
    /** Revision the document must still have, or 'absent'. Left out: last writer wins. */
    readonly expect?: number | 'absent';
  };
}[K];
export type Remove = { readonly remove: Kind; readonly key: string; readonly expect?: number };
export type Write = Put | Remove;

export type Change = {
  readonly revision: number;
  readonly kind: Kind;
  readonly key: string;
  readonly parent: string;
  readonly type: string;
  readonly removed: boolean;
};

/** A precondition of a commit did not hold; nothing was written. Read again and decide again. */
export class StoreConflict extends Error {
  override readonly name = 'StoreConflict';
  readonly kind: Kind;
  readonly key: string;
  constructor(kind: Kind, key: string, sentence: string) {
    super(sentence);
    this.kind = kind;
    this.key = key;
  }
}

export type ListFilter = {
  readonly parent?: string;
  readonly type?: string;
  /** Keys that begin with this text. */
  readonly keyPrefix?: string;
  /** Page: keys greater than this one, at most `limit` documents. */
  readonly after?: string;
  readonly limit?: number;
};

export interface Store {
  get<K extends Kind>(kind: K, key: string): Promise<Stored<K> | undefined>;
  /** Ordered by key. */
  list<K extends Kind>(kind: K, filter: ListFilter): Promise<Stored<K>[]>;
  /** One durable transaction. Throws StoreConflict when a precondition does not hold. */
  commit(writes: readonly Write[]): Promise<{ revision: number }>;
  /** What changed after `revision`, oldest first, the latest change of each document only. */
  changesSince(revision: number): Promise<Change[]>;
  /** Called after each commit with its changes. Returns the unsubscribe function. */
  subscribe(listener: (changes: readonly Change[]) => void): () => void;
  close(): Promise<void>;
}
