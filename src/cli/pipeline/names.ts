// Resource names and ids derived from a pipeline's name. Pure.
import { createHash } from 'node:crypto';
import { childId, providerResourceId, resourceGroupId } from '../../model/resource-id.ts';
import type { ResourceId } from '../../model/resource-id.ts';

export type PipelineNames = {
  readonly resourceGroup: string;
  readonly resourceGroupId: ResourceId;
  readonly storageAccount: string;
  readonly storageAccountId: ResourceId;
  readonly container: string;
  readonly galleryId: ResourceId;
  readonly definitionId: ResourceId;
  readonly networkId: ResourceId;
  readonly subnetId: ResourceId;
  readonly loadBalancerId: ResourceId;
  readonly scaleSetId: ResourceId;
};

export type Place = { readonly subscriptionId: string; readonly resourceGroup: string };

export function derivedNames(name: string, place: Place): PipelineNames {
  const group = resourceGroupId(place.subscriptionId, place.resourceGroup);
  const compute = (...parts: string[]) => providerResourceId(group, 'Microsoft.Compute', ...parts);
  const network = (...parts: string[]) => providerResourceId(group, 'Microsoft.Network', ...parts);
  const storageAccount = storageAccountName(name, place);
  // Azure allows no hyphen in a gallery's name.
  const galleryId = compute('galleries', name.replaceAll('-', '_'));
  const networkId = network('virtualNetworks', `${name}-vnet`);
  return {
    resourceGroup: place.resourceGroup,
    resourceGroupId: group,
    storageAccount,
    storageAccountId: providerResourceId(
      group,
      'Microsoft.Storage',
      'storageAccounts',
      storageAccount,
    ),
    container: 'rollset',
    galleryId,
    definitionId: childId(galleryId, 'images', name),
    networkId,
    subnetId: childId(networkId, 'subnets', 'default'),
    loadBalancerId: network('loadBalancers', `${name}-lb`),
    scaleSetId: compute('virtualMachineScaleSets', name),
  };
}

/** Azure: 3 to 24 letters and digits, unique in the world, hence the hash of the place. */
function storageAccountName(name: string, place: Place): string {
  const letters = name.replaceAll('-', '').slice(0, 14);
  const seed = `${place.subscriptionId}/${place.resourceGroup}/${name}`.toLowerCase();
  return `${letters}${createHash('sha256').update(seed).digest('hex').slice(0, 10)}`;
}

/** Azure: at most 15 characters; the instance's number follows. */
export function computerNamePrefix(name: string): string {
  return name.slice(0, 15).replace(/-+$/, '');
}

/** Templates cannot be changed on Azure, so another content has another name (at most 64). */
export function templateId(
  names: PipelineNames,
  name: string,
  version: string,
  content: string,
): ResourceId {
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 8);
  const text = `${name}-${version.replaceAll('.', '-')}`.slice(0, 55);
  return providerResourceId(
    names.resourceGroupId,
    'Microsoft.VirtualMachineImages',
    'imageTemplates',
    `${text}-${hash}`,
  );
}
