// Azure resource ids: parse, build, compare. Pure.
//
// ARM compares ids without case and tolerates untidy paths (doubled slashes, a trailing slash); we
// keep the caller's casing for display and use `resourceKey` for every comparison and store key.

declare const brand: unique symbol;
/** An ARM resource id as first written, e.g. `/subscriptions/s/resourceGroups/g/providers/N/t/x`. */
export type ResourceId = string & { readonly [brand]: 'ResourceId' };
/** A resource id folded for comparison: tidy slashes, lower case. */
export type ResourceKey = string & { readonly [brand]: 'ResourceKey' };

export type ParsedResourceId = {
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  /** The id of what an extension resource hangs on, or of the group or subscription. */
  readonly scope: ResourceId;
  /** Namespace, e.g. `Microsoft.Compute`; absent for subscriptions and resource groups. */
  readonly namespace?: string;
  /** e.g. `['galleries', 'images', 'versions']`. */
  readonly types: readonly string[];
  /** As many names as types. */
  readonly names: readonly string[];
};

/** Splits an id into its parts. Returns undefined for text that is not a resource id. */
export function parseResourceId(text: string): ParsedResourceId | undefined {
  const segments = text.split('/').filter((segment) => segment !== '');
  if (!text.startsWith('/') || segments.length === 0) return undefined;
  const at = findLastProviders(segments);
  const scopeSegments = at === -1 ? segments : segments.slice(0, at);
  const subscriptionId = segmentAfter(segments, 'subscriptions');
  const resourceGroup = segmentAfter(segments, 'resourcegroups');
  const scope = asResourceId(`/${scopeSegments.join('/')}`);
  const places = {
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    ...(resourceGroup === undefined ? {} : { resourceGroup }),
  };
  if (at === -1) return { ...places, scope, types: [], names: [] };
  const [namespace, ...pairs] = segments.slice(at + 1);
  if (namespace === undefined || pairs.length < 2 || pairs.length % 2 !== 0) return undefined;
  return {
    ...places,
    scope,
    namespace,
    types: pairs.filter((_, i) => i % 2 === 0),
    names: pairs.filter((_, i) => i % 2 === 1),
  };
}

/** Folds an id for comparison and for store keys. */
export function resourceKey(id: string): ResourceKey {
  const tidy = id
    .split('/')
    .filter((segment) => segment !== '')
    .join('/');
  return `/${tidy}`.toLowerCase() as ResourceKey;
}

export function sameResource(a: string, b: string): boolean {
  return resourceKey(a) === resourceKey(b);
}

/** Marks text that is known to be an id (built by us, or already parsed). */
export function asResourceId(text: string): ResourceId {
  return text as ResourceId;
}

export function resourceGroupId(subscriptionId: string, resourceGroup: string): ResourceId {
  return asResourceId(`/subscriptions/${subscriptionId}/resourceGroups/${resourceGroup}`);
}

/** `<scope>/providers/<namespace>/<type>/<name>[/<type>/<name>…]`. */
export function providerResourceId(
  scope: string,
  namespace: string,
  ...typesAndNames: string[]
): ResourceId {
  return asResourceId(`${scope}/providers/${namespace}/${typesAndNames.join('/')}`);
}

/** `<parent>/<type>/<name>`: a nested resource of the same provider. */
export function childId(parent: string, type: string, name: string): ResourceId {
  return asResourceId(`${parent}/${type}/${name}`);
}

/** The id one level up: the parent resource, or the scope for a top-level resource. */
export function parentId(id: string): ResourceId {
  const parsed = parseResourceId(id);
  if (parsed?.namespace === undefined) return asResourceId(id);
  if (parsed.types.length <= 1) return parsed.scope;
  return asResourceId(id.replace(/\/+[^/]+\/+[^/]+\/*$/, ''));
}

/** The last name in the id. */
export function resourceName(id: string): string {
  return id.split('/').findLast((segment) => segment !== '') ?? '';
}

function findLastProviders(segments: readonly string[]): number {
  return segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
}

function segmentAfter(segments: readonly string[], word: string): string | undefined {
  const at = segments.findIndex((segment) => segment.toLowerCase() === word);
  return at === -1 ? undefined : segments[at + 1];
}
