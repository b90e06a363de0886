// Store keys of the rows a scale set owns.
import { type ResourceKey, resourceKey } from '../model/resource-id.ts';

/** Key of an instance's row and of its status row. */
export function instanceKey(scaleSetId: string, instanceId: string): string {
  return `${resourceKey(scaleSetId)}/virtualmachines/${instanceId}`;
}

/** The scale set an instance key belongs to. */
export function scaleSetKeyOf(key: string): ResourceKey {
  return key.replace(/\/virtualmachines\/[^/]+$/, '') as ResourceKey;
}

export const TYPES = {
  scaleSet: 'microsoft.compute/virtualmachinescalesets',
  imageVersion: 'microsoft.compute/galleries/images/versions',
  loadBalancer: 'microsoft.network/loadbalancers',
  quarantine: 'rollset.fleet/quarantines',
  rolloutPolicy: 'rollset.fleet/rolloutpolicies',
  swapReport: 'rollset.fleet/swapreports',
} as const;
