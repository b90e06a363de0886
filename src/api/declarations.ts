// Every resource type of the control plane. To add one: docs/how-to/add-a-resource-type.md.
import type { Clock } from '../support/clock.ts';
import type { Declaration } from './arm/declaration.ts';
import { galleryType } from './compute/gallery/gallery.ts';
import { imageDefinitionType } from './compute/gallery/image-definition.ts';
import { imageVersionType } from './compute/gallery/image-version.ts';
import { instanceType } from './compute/scale-set/instance.ts';
import { scaleSetType } from './compute/scale-set/scale-set.ts';
import { quarantineType } from './fleet/quarantine.ts';
import { runReportType, swapReportType } from './fleet/reports.ts';
import { rolloutPolicyType } from './fleet/rollout-policy.ts';
import { statusType } from './fleet/status.ts';
import { loadBalancerChildren, loadBalancerType } from './network/load-balancer.ts';
import { subnetType, virtualNetworkType } from './network/virtual-network.ts';
import { resourceGroupType } from './resources/resource-group.ts';
import { subscriptionType } from './resources/subscription.ts';
import { storageTypes } from './storage/storage-account.ts';
import type { StorageDependencies } from './storage/storage-account.ts';
import { imageTemplateType } from './virtual-machine-images/image-template.ts';
import { runOutputType } from './virtual-machine-images/run-output.ts';

export type DeclarationDependencies = StorageDependencies & {
  readonly subscriptionId: string;
  readonly tenantId: string;
  readonly clock: Clock;
};

export function createDeclarations(dependencies: DeclarationDependencies): Declaration[] {
  const { subscriptionId, tenantId } = dependencies;
  return [
    subscriptionType(subscriptionId, tenantId),
    resourceGroupType,
    galleryType,
    imageDefinitionType,
    imageVersionType,
    imageTemplateType,
    runOutputType,
    scaleSetType,
    instanceType(dependencies),
    virtualNetworkType,
    subnetType,
    loadBalancerType,
    ...loadBalancerChildren,
    ...storageTypes(dependencies),
    rolloutPolicyType,
    quarantineType,
    swapReportType,
    runReportType(dependencies),
    statusType,
  ];
}
