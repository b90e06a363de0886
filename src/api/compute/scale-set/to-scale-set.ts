// From the rows the API keeps to the internal model of a scale set. Pure.
import type { ResourceRow } from '../../../model/resource.ts';
import { resourceKey } from '../../../model/resource-id.ts';
import type { DataDisk, RollingUpgradePolicy, ScaleSet } from '../../../model/scale-set.ts';
import { findVmSize } from '../../../model/vm-sizes.ts';
import { assert } from '../../../support/assert.ts';
import { foldLocation } from '../../../model/location.ts';
import { parseIsoDuration } from '../../arm/iso-duration.ts';
import { toRolloutPolicy } from '../../fleet/rollout-policy-schema.ts';
import { parseGalleryImageId } from '../../../model/gallery-image-id.ts';
import { toHealthProbe } from './health-probe.ts';
import { rollingUpgradePolicySchema, scaleSetSchema } from './schema.ts';
import type { ScaleSetBody } from './schema.ts';
import { toFrontends } from './to-frontends.ts';

/** Tag that replaces the memory of the VM size, in MiB. Harmless on Azure. */
export const MEMORY_TAG = 'rollset:memoryMiB';
/** Key, under the scale set's, of the row that `rolloutPolicy` wants. */
export const ROLLOUT_POLICY_SUFFIX = '/providers/rollset.fleet/rolloutpolicies/default';

const GIB = 1024 ** 3;
type Profile = ScaleSetBody['properties']['virtualMachineProfile'];

export type ScaleSetRows = {
  readonly scaleSet: ResourceRow;
  /** All that may refer to the set's pools; others are ignored. */
  readonly loadBalancers: readonly ResourceRow[];
  readonly rolloutPolicy?: ResourceRow;
};

export function rolloutPolicyKey(scaleSetId: string): string {
  return `${resourceKey(scaleSetId)}${ROLLOUT_POLICY_SUFFIX}`;
}

/** Rows were validated when written, so anything unreadable here is a bug and throws. */
export function toScaleSet(rows: ScaleSetRows): ScaleSet {
  const { id, name, generation, internal } = rows.scaleSet;
  const body = scaleSetSchema.parse(rows.scaleSet.body);
  const profile = body.properties.virtualMachineProfile;
  const size = findVmSize(body.sku.name);
  assert(size, `scale set ${id} has the VM size ${body.sku.name}, which is not in our table`);
  const healthProbe = toHealthProbe(body);
  const automatic = body.properties.upgradePolicy.automaticOSUpgradePolicy;
  const { customData } = internal;
  const { adminUsername } = profile.osProfile;
  return {
    id,
    name,
    location: foldLocation(body.location),
    generation,
    capacity: body.sku.capacity,
    vmSize: body.sku.name,
    vCPUs: size.vCPUs,
    memoryMib: Number(body.tags?.[MEMORY_TAG] ?? size.memoryMib),
    image: imageOf(profile, id),
    automaticOSUpgrade: automatic?.enableAutomaticOSUpgrade ?? false,
    disableAutomaticRollback: automatic?.disableAutomaticRollback ?? false,
    rollingUpgradePolicy: toRollingUpgradePolicy(body),
    rolloutPolicy: toRolloutPolicy(rows.rolloutPolicy),
    computerNamePrefix: profile.osProfile.computerNamePrefix ?? name,
    ...(adminUsername === undefined ? {} : { adminUsername }),
    sshPublicKeys: sshPublicKeysOf(profile),
    ...(typeof customData === 'string' ? { customData } : {}),
    dataDisks: toDataDisks(profile),
    ...(healthProbe === undefined ? {} : { healthProbe }),
    frontends: toFrontends(body, healthProbe, rows.loadBalancers),
  };
}

/** Without `useRollingUpgradePolicy` an OS upgrade uses the built-in 20/20/20/PT0S. */
export function toRollingUpgradePolicy(body: ScaleSetBody): RollingUpgradePolicy {
  const { automaticOSUpgradePolicy, rollingUpgradePolicy } = body.properties.upgradePolicy;
  const useOwn = automaticOSUpgradePolicy?.useRollingUpgradePolicy === true;
  const policy = rollingUpgradePolicySchema.parse(useOwn ? (rollingUpgradePolicy ?? {}) : {});
  return {
    maxBatchInstancePercent: policy.maxBatchInstancePercent,
    maxUnhealthyInstancePercent: policy.maxUnhealthyInstancePercent,
    maxUnhealthyUpgradedInstancePercent: policy.maxUnhealthyUpgradedInstancePercent,
    pauseTimeBetweenBatchesMs: parseIsoDuration(policy.pauseTimeBetweenBatches) ?? 0,
    prioritizeUnhealthyInstances: policy.prioritizeUnhealthyInstances,
  };
}

function imageOf(profile: Profile, id: string): ScaleSet['image'] {
  const imageId = profile.storageProfile.imageReference?.id;
  const image = imageId === undefined ? undefined : parseGalleryImageId(imageId);
  assert(image, `scale set ${id} refers to the image ${imageId}, which is not a gallery image`);
  const { definitionId, version } = image;
  return version === undefined ? { definitionId } : { definitionId, version };
}

function sshPublicKeysOf(profile: Profile): string[] {
  const keys = profile.osProfile.linuxConfiguration?.ssh?.publicKeys ?? [];
  return keys.map(({ keyData }) => keyData.trim());
}

function toDataDisks(profile: Profile): DataDisk[] {
  return profile.storageProfile.dataDisks
    .map(({ lun, diskSizeGB }) => ({ lun, sizeBytes: diskSizeGB * GIB }))
    .toSorted((a, b) => a.lun - b.lun);
}
