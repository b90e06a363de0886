// Finds what a request is about: subscription, resource group and parent must exist.
import {
  asResourceId,
  childId,
  providerResourceId,
  resourceGroupId,
  resourceKey,
} from '../../model/resource-id.ts';
import type { ResourceId } from '../../model/resource-id.ts';
import type { Stored } from '../../store/store.ts';
import {
  ArmError,
  parentResourceNotFound,
  resourceGroupNotFound,
  resourceNotFound,
  subscriptionNotFound,
} from './arm-error.ts';
import type { ArmRequest, Target } from './arm-request.ts';
import type { ComputedDeclaration, StoredDeclaration } from './declaration.ts';
import { isNested, namespaceOf, parentType } from './registry.ts';

type Placed = StoredDeclaration | ComputedDeclaration;
type Container = Omit<Target, 'id' | 'name'> & {
  readonly id: ResourceId;
};

/** The resource `names` of a stored or computed type. Throws the 404s of ARM. */
export async function locate(
  request: ArmRequest,
  declaration: Placed,
  names: readonly string[],
): Promise<Target> {
  const container = await locateContainer(request, declaration, names.slice(0, -1));
  const name = names.at(-1) ?? '';
  return { ...container, id: idIn(container.id, declaration, name), name };
}

/** What holds resources of this type: parent, resource group, subscription, or extended resource. */
export async function locateContainer(
  request: ArmRequest,
  declaration: Placed,
  parentNames: readonly string[],
): Promise<Container> {
  const { environment } = request;
  if (declaration.scope === 'tenant') {
    return { id: asResourceId(''), parentKey: '/', parent: undefined, resourceGroup: undefined };
  }
  checkSubscription(request);
  const subscription = asResourceId(`/subscriptions/${environment.subscriptionId}`);
  if (declaration.scope === 'subscription') {
    return {
      id: subscription,
      parentKey: resourceKey(subscription),
      parent: undefined,
      resourceGroup: undefined,
    };
  }
  const resourceGroup = await findResourceGroup(request);
  if (resourceGroup === undefined) {
    throw new ArmError(
      400,
      'InvalidResourceId',
      `${declaration.type} lies in a resource group: the path must name one.`,
    );
  }
  const parent = await findParent(request, declaration, resourceGroup, parentNames);
  const holder = parent ?? resourceGroup;
  return { id: holder.body.id, parentKey: holder.key, parent, resourceGroup };
}

export function checkSubscription({ environment, path }: ArmRequest): void {
  const asked = path.subscriptionId ?? '';
  if (asked.toLowerCase() !== environment.subscriptionId.toLowerCase()) {
    throw subscriptionNotFound(asked);
  }
}

export async function findResourceGroup({
  environment,
  path,
}: ArmRequest): Promise<Stored<'resource'> | undefined> {
  if (path.resourceGroup === undefined) return undefined;
  const id = resourceGroupId(environment.subscriptionId, path.resourceGroup);
  const row = await environment.store.get('resource', resourceKey(id));
  if (row === undefined) throw resourceGroupNotFound(path.resourceGroup);
  return row;
}

/** `Microsoft.Compute/galleries/g/images/i`, as errors show a resource. */
export function showResource(type: string, names: readonly string[]): string {
  const [namespace = '', ...types] = type.split('/');
  return [namespace, ...types.flatMap((word, i) => [word, names[i] ?? ''])].join('/');
}

async function findParent(
  request: ArmRequest,
  declaration: Placed,
  resourceGroup: Stored<'resource'>,
  parentNames: readonly string[],
): Promise<Stored<'resource'> | undefined> {
  const { store } = request.environment;
  if (isNested(declaration.type)) {
    const id = parentIdOf(request, declaration, resourceGroup, parentNames);
    const parent = await store.get('resource', resourceKey(id));
    if (parent !== undefined) return parent;
    throw parentResourceNotFound(showResource(parentType(declaration.type), parentNames));
  }
  if (declaration.scope !== 'extension') return undefined;
  const extended = await store.get('resource', resourceKey(request.path.scope));
  const accepted = (declaration.extends ?? []).map((type) => type.toLowerCase());
  if (extended !== undefined && accepted.includes(extended.body.type.toLowerCase()))
    return extended;
  if (extended === undefined && request.path.extension) {
    throw resourceNotFound(request.path.scope, undefined);
  }
  throw new ArmError(
    400,
    'InvalidResourceId',
    `${declaration.type} extends ${(declaration.extends ?? []).join(' or ')}, not ${request.path.scope}.`,
  );
}

function parentIdOf(
  request: ArmRequest,
  declaration: Placed,
  resourceGroup: Stored<'resource'>,
  parentNames: readonly string[],
): ResourceId {
  const [namespace = '', ...types] = parentType(declaration.type).split('/');
  const scope = request.path.extension ? request.path.scope : resourceGroup.body.id;
  const words = types.flatMap((word, i) => [word, parentNames[i] ?? '']);
  return providerResourceId(scope, namespace, ...words);
}

function idIn(container: ResourceId, declaration: Placed, name: string): ResourceId {
  const types = declaration.type.split('/');
  const word = types.at(-1) ?? '';
  // `/subscriptions/{name}` and `/subscriptions/{s}/resourceGroups/{name}` have no `providers`.
  const bare = declaration.scope === 'tenant' || declaration.scope === 'subscription';
  if (bare || isNested(declaration.type)) return childId(container, word, name);
  return providerResourceId(container, namespaceOf(declaration.type), word, name);
}
