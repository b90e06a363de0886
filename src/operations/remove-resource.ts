// The writes that remove a resource with everything that hangs on it: nested resources, extension
// resources, and for a scale set its instances and runs. Operations stay, so clients can still
// read how the deletion ended.
import { resourceKey } from '../model/resource-id.ts';
import type { Kind, Remove, Store } from '../store/store.ts';

export async function removeResource(
  store: Pick<Store, 'list'>,
  resourceId: string,
): Promise<Remove[]> {
  const key = resourceKey(resourceId);
  const beneath = await store.list('resource', { keyPrefix: `${key}/` });
  const owned: readonly Kind[] = ['instance', 'instanceStatus', 'run'];
  const documents = await Promise.all(owned.map((kind) => store.list(kind, { parent: key })));
  return [
    { remove: 'resource', key },
    ...beneath.map((child): Remove => ({ remove: 'resource', key: child.key })),
    ...documents.flat().map((document): Remove => ({ remove: document.kind, key: document.key })),
  ];
}
