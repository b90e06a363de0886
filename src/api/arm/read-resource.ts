// GET of a resource and of a collection, page by page.
import { resourceKey } from '../../model/resource-id.ts';
import type { JsonObject } from '../../model/resource.ts';
import type { ListFilter, Stored } from '../../store/store.ts';
import { ArmError, resourceGroupNotFound, resourceNotFound } from './arm-error.ts';
import type { ArmReply, ArmRequest } from './arm-request.ts';
import type { ComputedDeclaration, StoredDeclaration } from './declaration.ts';
import { toEtag } from './etag.ts';
import { checkSubscription, locate, locateContainer, showResource } from './locate.ts';
import { presentResource } from './present.ts';

/** Resources per page; a scale set's body is a few KB and ARM caps a reply at 8 MB. */
const PAGE_SIZE = 200;

export async function getStored(
  request: ArmRequest,
  declaration: StoredDeclaration,
  names: readonly string[],
): Promise<ArmReply> {
  const row = await requireRow(request, declaration, names);
  // Only resource groups are asked so: 204 says it exists.
  if (request.method === 'HEAD') return { status: 204 };
  const { registry } = request.environment;
  const body = await presentResource(registry, declaration, row, request.context);
  return { status: 200, body, headers: { ETag: toEtag(row.revision) } };
}

/** Throws ResourceNotFound, or ResourceGroupNotFound for a group. */
export async function requireRow(
  request: ArmRequest,
  declaration: StoredDeclaration,
  names: readonly string[],
): Promise<Stored<'resource'>> {
  const target = await locate(request, declaration, names);
  const row = await request.environment.store.get('resource', resourceKey(target.id));
  if (row !== undefined) return row;
  // The one type that lies in the subscription itself has a code of its own.
  if (declaration.scope === 'subscription') throw resourceGroupNotFound(target.name);
  throw resourceNotFound(showResource(declaration.type, names), request.path.resourceGroup);
}

export async function listStored(
  request: ArmRequest,
  declaration: StoredDeclaration,
  parentNames: readonly string[],
): Promise<ArmReply> {
  const filter = await collectionFilter(request, declaration, parentNames);
  const after = readSkipToken(request.context.query);
  const rows = await request.environment.store.list('resource', {
    ...filter,
    type: declaration.type.toLowerCase(),
    limit: PAGE_SIZE + 1,
    ...(after === undefined ? {} : { after }),
  });
  const page = rows.slice(0, PAGE_SIZE);
  const value: JsonObject[] = [];
  for (const row of page) {
    value.push(
      await presentResource(request.environment.registry, declaration, row, request.context),
    );
  }
  const last = page.at(-1);
  const nextLink =
    rows.length > PAGE_SIZE && last !== undefined ? toNextLink(request, last.key) : undefined;
  return { status: 200, body: { value, ...(nextLink === undefined ? {} : { nextLink }) } };
}

export async function getComputed(
  request: ArmRequest,
  declaration: ComputedDeclaration,
  names: readonly string[],
): Promise<ArmReply> {
  const target = await locate(request, declaration, names);
  const body = await declaration.get({ ...request.context, ...target });
  if (body !== undefined) return { status: 200, body };
  throw resourceNotFound(showResource(declaration.type, names), request.path.resourceGroup);
}

export async function listComputed(
  request: ArmRequest,
  declaration: ComputedDeclaration,
  parentNames: readonly string[],
): Promise<ArmReply> {
  const { parent } = await locateContainer(request, declaration, parentNames);
  const value = (await declaration.list?.({ ...request.context, parent })) ?? [];
  return { status: 200, body: { value } };
}

/** A top-level type can be listed over the whole subscription too. */
async function collectionFilter(
  request: ArmRequest,
  declaration: StoredDeclaration,
  parentNames: readonly string[],
): Promise<ListFilter> {
  const wholeSubscription =
    declaration.scope === 'resourceGroup' && request.path.resourceGroup === undefined;
  if (wholeSubscription) {
    checkSubscription(request);
    return { keyPrefix: `${resourceKey(`/subscriptions/${request.environment.subscriptionId}`)}/` };
  }
  const container = await locateContainer(request, declaration, parentNames);
  return { parent: container.parentKey };
}

function toNextLink({ context, apiVersion, pathname }: ArmRequest, lastKey: string): string {
  const token = Buffer.from(lastKey).toString('base64url');
  return `${context.baseUrl}${pathname}?api-version=${apiVersion}&$skipToken=${token}`;
}

function readSkipToken(query: URLSearchParams): string | undefined {
  const token = [...query].find(([key]) => key.toLowerCase() === '$skiptoken')?.[1];
  if (token === undefined) return undefined;
  const key = Buffer.from(token, 'base64url').toString('utf8');
  if (!key.startsWith('/')) {
    throw new ArmError(400, 'InvalidParameter', 'The $skipToken is not one this server gave out.', {
      target: '$skipToken',
    });
  }
  return key;
}
