// From the declarations to what a path addresses. Pure.
import type { Json } from '../../model/resource.ts';
import type { OperationKind } from '../../operations/operations.ts';
import { ArmError } from './arm-error.ts';
import type { ArmPath } from './arm-path.ts';
import type { Action, Declaration } from './declaration.ts';

/** Namespace of the two types whose paths have no `providers`. */
const RESOURCES = 'microsoft.resources';

export type Route =
  | {
      readonly kind: 'resource';
      readonly declaration: Declaration;
      readonly names: readonly string[];
    }
  | {
      readonly kind: 'collection';
      readonly declaration: Declaration;
      readonly names: readonly string[];
    }
  | {
      readonly kind: 'action';
      readonly declaration: Declaration;
      readonly names: readonly string[];
      readonly name: string;
      readonly action: Action;
    }
  | { readonly kind: 'operation'; readonly operationId: string };

export class Registry {
  readonly #byType: ReadonlyMap<string, Declaration>;
  readonly #namespaces: ReadonlySet<string>;

  constructor(declarations: readonly Declaration[]) {
    this.#byType = new Map(declarations.map((one) => [one.type.toLowerCase(), one]));
    this.#namespaces = new Set(declarations.map(({ type }) => namespaceOf(type).toLowerCase()));
  }

  find(type: string): Declaration | undefined {
    return this.#byType.get(type.toLowerCase());
  }

  /** Inline types whose elements lie in the body of `type`. */
  inlineTypesOf(type: string): Extract<Declaration, { kind: 'inline' }>[] {
    const parent = type.toLowerCase();
    return [...this.#byType.values()].filter(
      (one) => one.kind === 'inline' && parentType(one.type).toLowerCase() === parent,
    ) as Extract<Declaration, { kind: 'inline' }>[];
  }

  /** How the output of an operation of this kind is shown as its result. */
  resultOf(kind: OperationKind): ((output: Json) => Json) | undefined {
    for (const declaration of this.#byType.values()) {
      const result = declaration.kind === 'inline' ? undefined : declaration.results?.[kind];
      if (result !== undefined) return result;
    }
    return undefined;
  }

  /** Throws InvalidResourceNamespace or InvalidResourceType for what is not declared. */
  route(path: ArmPath): Route {
    const { namespace, pairs } = withNamespace(path);
    const [first = '', , third = '', operationId] = pairs;
    if (/^locations$/i.test(first) && /^operations$/i.test(third) && operationId !== undefined) {
      return { kind: 'operation', operationId };
    }
    if (!this.#namespaces.has(namespace.toLowerCase())) throw invalidNamespace(namespace);
    const names = pairs.filter((_, i) => i % 2 === 1);
    const declaration = this.find(typeOf(namespace, pairs));
    if (declaration !== undefined) {
      return pairs.length % 2 === 0
        ? { kind: 'resource', declaration, names }
        : { kind: 'collection', declaration, names };
    }
    return this.#actionRoute(namespace, pairs) ?? invalid(namespace, pairs);
  }

  /** An action's name is one segment after a resource, or two (`rollingUpgrades/cancel`). */
  #actionRoute(namespace: string, pairs: readonly string[]): Route | undefined {
    const words = pairs.length % 2 === 1 ? 1 : 2;
    const owner = pairs.slice(0, -words);
    const asked = pairs.slice(-words).join('/').toLowerCase();
    const declaration = this.find(typeOf(namespace, owner));
    if (declaration === undefined || owner.length === 0) return undefined;
    const found = Object.entries(declaration.actions ?? {}).find(
      ([name]) => name.toLowerCase() === asked,
    );
    if (found === undefined) return undefined;
    const [name, action] = found;
    return {
      kind: 'action',
      declaration,
      names: owner.filter((_, i) => i % 2 === 1),
      name,
      action,
    };
  }
}

export function namespaceOf(type: string): string {
  return type.slice(0, type.indexOf('/'));
}

/** `Microsoft.Compute/galleries` of `Microsoft.Compute/galleries/images`. */
export function parentType(type: string): string {
  return type.slice(0, type.lastIndexOf('/'));
}

export function isNested(type: string): boolean {
  return type.split('/').length > 2;
}

/** `/subscriptions/s/resourceGroups/g` is `Microsoft.Resources/resourceGroups`, name g. */
function withNamespace(path: ArmPath): { namespace: string; pairs: readonly string[] } {
  if (path.namespace !== undefined) return { namespace: path.namespace, pairs: path.pairs };
  const segments = path.scope.split('/').filter((segment) => segment !== '');
  const pairs = segments[2]?.toLowerCase() === 'resourcegroups' ? segments.slice(2) : segments;
  return { namespace: RESOURCES, pairs };
}

function typeOf(namespace: string, pairs: readonly string[]): string {
  return [namespace, ...pairs.filter((_, i) => i % 2 === 0)].join('/');
}

function invalidNamespace(namespace: string): ArmError {
  return new ArmError(
    404,
    'InvalidResourceNamespace',
    `The resource namespace '${namespace}' is invalid or not served by this control plane.`,
  );
}

function invalid(namespace: string, pairs: readonly string[]): never {
  const words = pairs.filter((_, i) => i % 2 === 0).join('/');
  throw new ArmError(
    404,
    'InvalidResourceType',
    `The resource type or action '${words}' could not be found in the namespace '${namespace}' of this control plane.`,
  );
}
