// Rules over several fields of a scale set, and references to other resources.
import { childId, parentId, resourceKey, resourceName } from '../../../model/resource-id.ts';
import { findVmSize, VM_SIZES } from '../../../model/vm-sizes.ts';
import { propertyChangeNotAllowed } from '../../arm/arm-error.ts';
import type { PrepareContext } from '../../arm/declaration.ts';
import { foldLocation } from '../../../model/location.ts';
import { textsAt, valueAt } from '../../arm/json-path.ts';
import { isObject } from '../../arm/merge.ts';
import type { ScaleSetBody } from './schema.ts';
import { MEMORY_TAG } from './to-scale-set.ts';
import { backendPoolKeys } from './to-frontends.ts';

type Context = PrepareContext<ScaleSetBody>;

/** The smallest Debian guest boots in 128 MiB; the largest VM size of the table has 16 GiB. */
const MIN_MEMORY_MIB = 128;
const MAX_MEMORY_MIB = 65_536;
const PROFILE = 'properties.virtualMachineProfile';

/** Fixed at creation (azure-docs, upgrade-policy page). */
const IMMUTABLE = [
  'properties.orchestrationMode',
  'properties.platformFaultDomainCount',
  `${PROFILE}.osProfile.adminUsername`,
  `${PROFILE}.osProfile.computerNamePrefix`,
];

export function checkModel(context: Context): void {
  checkImmutable(context);
  checkSize(context);
  checkPolicy(context);
  checkDataDisks(context);
}

function checkImmutable({ body, existing }: Context): void {
  if (existing === undefined) return;
  const after = body as Parameters<typeof valueAt>[0];
  for (const path of IMMUTABLE) {
    const before = valueAt(existing.body.body, path);
    const wanted = valueAt(after, path);
    if (before !== undefined && before !== wanted)
      throw propertyChangeNotAllowed(path.replace('properties.', ''));
  }
  const single = 'properties.singlePlacementGroup';
  const was = valueAt(existing.body.body, single);
  if (was === false && body.properties.singlePlacementGroup === true) {
    throw propertyChangeNotAllowed('singlePlacementGroup');
  }
}

function checkSize({ body, problems }: Context): void {
  if (findVmSize(body.sku.name) === undefined) {
    problems.add(
      'sku.name',
      `The VM size '${body.sku.name}' is not known here. Known: ${Object.keys(VM_SIZES).join(', ')}.`,
    );
  }
  const memory = body.tags?.[MEMORY_TAG];
  if (memory === undefined) return;
  const mib = /^\d{1,9}$/.test(memory) ? Number(memory) : 0;
  if (mib >= MIN_MEMORY_MIB && mib <= MAX_MEMORY_MIB) return;
  problems.add(
    `tags.${MEMORY_TAG}`,
    `The tag ${MEMORY_TAG} is '${memory}': it must be a whole number of MiB, ${MIN_MEMORY_MIB} to ${MAX_MEMORY_MIB}.`,
  );
}

/** Azure Batch publishes the rule for the same policy: a batch may not exceed what may be down. */
function checkPolicy({ body, problems }: Context): void {
  const policy = body.properties.upgradePolicy.rollingUpgradePolicy;
  if (policy === undefined) return;
  const { maxBatchInstancePercent: batch, maxUnhealthyInstancePercent: unhealthy } = policy;
  if (batch <= unhealthy) return;
  problems.add(
    'properties.upgradePolicy.rollingUpgradePolicy.maxBatchInstancePercent',
    `maxBatchInstancePercent (${batch}) must not exceed maxUnhealthyInstancePercent (${unhealthy}).`,
  );
}

function checkDataDisks({ body, problems }: Context): void {
  const { dataDisks } = body.properties.virtualMachineProfile.storageProfile;
  const luns = dataDisks.map(({ lun }) => lun);
  for (const [i, lun] of luns.entries()) {
    if (luns.indexOf(lun) === i) continue;
    problems.add(
      `${PROFILE}.storageProfile.dataDisks[${i}].lun`,
      `The lun ${lun} is used by two data disks.`,
    );
  }
}

/** Subnets and backend pools that a network interface names must exist. */
export async function checkReferences(context: Context): Promise<void> {
  const { body, existing } = context;
  // An edit of something else is not refused for what was accepted before.
  const before = new Set(existing === undefined ? [] : referencesOf(existing.body.body));
  const parsed = body as Parameters<typeof referencesOf>[0];
  for (const id of new Set(referencesOf(parsed))) {
    if (!before.has(id)) await checkReference(context, id);
  }
}

function referencesOf(body: Parameters<typeof valueAt>[0]): string[] {
  const ip = `${PROFILE}.networkProfile.networkInterfaceConfigurations[].properties.ipConfigurations[].properties`;
  return [`${ip}.subnet.id`, `${ip}.loadBalancerBackendAddressPools[].id`].flatMap((path) =>
    textsAt(body, path),
  );
}

async function checkReference(
  { store, id, body, problems }: Context,
  reference: string,
): Promise<void> {
  const owner = await store.get('resource', resourceKey(parentId(reference)));
  const isPool = backendPoolKeys(body).includes(resourceKey(reference));
  const array = isPool ? 'backendAddressPools' : 'subnets';
  const properties = owner?.body.body['properties'];
  const elements = isObject(properties) ? properties[array] : undefined;
  const found = Array.isArray(elements)
    ? elements.find((one) => isObject(one) && isNamed(one['name'], resourceName(reference)))
    : undefined;
  const location = owner?.body.body['location'];
  const target = `${PROFILE}.networkProfile`;
  if (
    owner === undefined ||
    found === undefined ||
    resourceKey(childId(owner.body.id, array, resourceName(reference))) !== resourceKey(reference)
  ) {
    problems.add(
      target,
      `Resource ${reference} referenced by resource ${id} was not found. Please make sure that the referenced resource exists, and that both resources are in the same region.`,
      'InvalidResourceReference',
    );
  } else if (
    typeof location === 'string' &&
    foldLocation(location) !== foldLocation(body.location)
  ) {
    problems.add(
      target,
      `Resource ${reference} referenced by resource ${id} is in region '${location}', the scale set in '${body.location}': both must be in the same region.`,
      'InvalidResourceReference',
    );
  }
}

function isNamed(name: unknown, wanted: string): boolean {
  return typeof name === 'string' && name.toLowerCase() === wanted.toLowerCase();
}
