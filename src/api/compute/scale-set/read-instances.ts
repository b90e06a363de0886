// Reads the instances of a scale set with what was last seen of them, in numeric order.
import type { Stored } from '../../../store/store.ts';
import type { StoreReader } from '../../arm/declaration.ts';
import type { InstanceRows } from './present-instance.ts';

export async function readInstances(
  store: StoreReader,
  scaleSet: Stored<'resource'>,
): Promise<InstanceRows[]> {
  const [instances, statuses] = await Promise.all([
    store.list('instance', { parent: scaleSet.key }),
    store.list('instanceStatus', { parent: scaleSet.key }),
  ]);
  const byKey = new Map(statuses.map(({ key, body }) => [key, body]));
  return instances
    .map(({ key, body }) => ({ scaleSet: scaleSet.body, instance: body, status: byKey.get(key) }))
    .toSorted((a, b) => Number(a.instance.instanceId) - Number(b.instance.instanceId));
}

export async function readInstance(
  store: StoreReader,
  scaleSet: Stored<'resource'>,
  instanceId: string,
): Promise<InstanceRows | undefined> {
  const key = `${scaleSet.key}/virtualmachines/${instanceId.toLowerCase()}`;
  const [instance, status] = await Promise.all([
    store.get('instance', key),
    store.get('instanceStatus', key),
  ]);
  if (instance === undefined) return undefined;
  return { scaleSet: scaleSet.body, instance: instance.body, status: status?.body };
}
