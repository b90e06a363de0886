// What a resource type says of itself. Routes, verbs and replies derive from it; see registry.ts.
//
// Three kinds: `stored` types have a row each; `inline` types are named elements of an array in
// their parent's body (subnets, probes); `computed` types are presented from other documents
// (instances, reports of a run).
import type { z } from 'zod';
import type { ResourceId } from '../../model/resource-id.ts';
import type { Json, JsonObject, ProvisioningState } from '../../model/resource.ts';
import type { OperationKind } from '../../operations/operations.ts';
import type { Store, Stored, Write } from '../../store/store.ts';
import type { Ids } from '../../support/ids.ts';
import type { Problems } from './problems.ts';

export type StoreReader = Pick<Store, 'get' | 'list'>;

/** What every rule and converter may see. */
export type RequestContext = {
  readonly store: StoreReader;
  /** ms since the epoch. */
  readonly now: number;
  readonly ids: Ids;
  /** `https://host:port` as the client wrote it, for absolute URLs in replies. */
  readonly baseUrl: string;
  readonly query: URLSearchParams;
};

/** A resource that a request is about. `id` has the casing it was first written with. */
export type Addressed = {
  readonly id: ResourceId;
  readonly name: string;
  /** The parent of a nested resource, or what an extension resource hangs on. */
  readonly parent: Stored<'resource'> | undefined;
};

export type PrepareContext<Body> = RequestContext &
  Addressed & {
    /** Merged with what is stored where the type or the verb says so, validated, with defaults. */
    readonly body: Body;
    readonly existing: Stored<'resource'> | undefined;
    readonly verb: 'PUT' | 'PATCH';
    readonly problems: Problems;
  };

export type Prepared = {
  /** The row's body: without id, name, type and read-only fields. */
  readonly body: JsonObject;
  readonly internal?: JsonObject;
  /** Further writes of the same commit. */
  readonly writes?: readonly Write[];
  /** Nothing is left to be done by others: Succeeded at once, though the type has an operation. */
  readonly finished?: boolean;
};

export type ActionContext = RequestContext &
  Addressed & {
    /** The row of a stored type; undefined for computed ones. */
    readonly row: Stored<'resource'> | undefined;
    readonly body: JsonObject;
  };

/** An answer at once, or an operation somebody else ends. */
export type ActionResult =
  | { readonly answer: JsonObject }
  | {
      readonly operation: {
        readonly kind: OperationKind;
        readonly input?: JsonObject;
        /** Default: the resource the action is on. */
        readonly resource?: Stored<'resource'>;
      };
      /** A change of that resource in the same commit; it raises the generation. */
      readonly change?: {
        readonly body?: JsonObject;
        readonly provisioningState?: ProvisioningState;
      };
      readonly writes?: readonly Write[];
    };

export type Action = {
  readonly method: 'GET' | 'POST';
  run(context: ActionContext): Promise<ActionResult>;
};

export type NameRule = {
  accepts(name: string): boolean;
  /** What a name must be, for the error. */
  readonly rule: string;
  /** Azure's target where known, e.g. `galleryImageVersionName`. */
  readonly target?: string;
};

type Common = {
  /** Azure's casing, e.g. `Microsoft.Compute/galleries/images`. */
  readonly type: string;
  /** By name after the resource: `run`, `rollingUpgrades/cancel`. Matched without case. */
  readonly actions?: Readonly<Record<string, Action>>;
};

export type Verb = 'get' | 'list' | 'put' | 'patch' | 'delete';

export type StoredDeclaration<Schema extends z.ZodType = z.ZodType> = Common & {
  readonly kind: 'stored';
  /** Of a top-level type. A nested type lies under its parent. */
  readonly scope?: 'subscription' | 'resourceGroup' | 'extension';
  /** Types an extension resource may hang on, Azure's casing. */
  readonly extends?: readonly string[];
  readonly verbs: readonly Verb[];
  readonly name: NameRule;
  /** `tracked`: has its own, required and immutable, location. */
  readonly location: 'tracked' | 'none';
  readonly schema: Schema;
  /** Finished within the request, or by whoever ends operations of this kind. */
  readonly put: 'sync' | { readonly operation: OperationKind };
  readonly delete: 'sync' | { readonly operation: OperationKind };
  /** PUT on an existing resource keeps what the body omits, but for these paths given whole. */
  readonly mergePut?: { readonly wholesale: readonly string[] };
  /** Deletes with its nested resources; else they must go first (409 CannotDeleteResource). */
  readonly deletesChildren?: boolean;
  /** Refused with a 400 each, before validation: what this control plane cannot honour. */
  readonly unsupported?: UnsupportedTable;
  prepare?(context: PrepareContext<z.infer<Schema>>): Promise<Prepared> | Prepared;
  /** The wire body; `row.body` when left out. The core adds id, name, type, etag and state. */
  present?(row: Stored<'resource'>, context: RequestContext): Promise<JsonObject> | JsonObject;
  /** Throws ArmError when this resource must not be deleted now. */
  checkDelete?(context: RequestContext & { readonly row: Stored<'resource'> }): Promise<void>;
  /** After the row is gone: removes what the type keeps outside the store. Safe to repeat. */
  afterDelete?(row: Stored<'resource'>): Promise<void>;
  /** The result of an operation as its `Location` shows it, by operation kind. */
  readonly results?: Readonly<Partial<Record<OperationKind, (output: Json) => Json>>>;
};

export type InlineDeclaration = Common & {
  readonly kind: 'inline';
  /** The array in the parent's `properties`. */
  readonly property: string;
  readonly verbs: readonly Verb[];
};

export type ComputedContext = RequestContext & Addressed;
export type ComputedDeclaration = Common & {
  readonly kind: 'computed';
  /** Of a top-level type. A nested type lies under its parent. */
  readonly scope?: 'tenant' | 'extension';
  readonly extends?: readonly string[];
  /** The whole wire body, id, name and type included; undefined when there is none. */
  get(context: ComputedContext): Promise<JsonObject | undefined>;
  list?(context: Omit<ComputedContext, 'id' | 'name'>): Promise<JsonObject[]>;
  /** Undefined: there was nothing to delete. */
  delete?(context: ActionContext): Promise<ActionResult | undefined>;
  readonly results?: StoredDeclaration['results'];
};

export type Declaration = StoredDeclaration | InlineDeclaration | ComputedDeclaration;

/** `[path, when refused, what to do]`; `[]` in a path stands for every element of an array. */
export type UnsupportedTable = readonly (readonly [
  path: string,
  refused: (value: Json) => boolean,
  sentence: string,
])[];

/** Types the context by the schema, then forgets it: the core handles all declarations alike. */
export function defineResource<Schema extends z.ZodType>(
  declaration: Omit<StoredDeclaration<Schema>, 'kind'>,
): StoredDeclaration {
  return { kind: 'stored', ...declaration } as unknown as StoredDeclaration;
}

export function defineComputed(
  declaration: Omit<ComputedDeclaration, 'kind'>,
): ComputedDeclaration {
  return { kind: 'computed', ...declaration };
}

export function defineInline(declaration: Omit<InlineDeclaration, 'kind'>): InlineDeclaration {
  return { kind: 'inline', ...declaration };
}
