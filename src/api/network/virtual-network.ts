// Microsoft.Network/virtualNetworks with their subnets, as far as a scale set needs them: user-mode
// networking gives each VM a network of its own, so these name and group, and nothing more.
import { isIPv4 } from 'node:net';
import { z } from 'zod';
import { childId, resourceKey } from '../../model/resource-id.ts';
import type { Stored } from '../../store/store.ts';
import { ArmError } from '../arm/arm-error.ts';
import { defineInline, defineResource } from '../arm/declaration.ts';
import type { PrepareContext, StoreReader } from '../arm/declaration.ts';
import { toJson } from '../arm/put-resource.ts';
import { textsAt } from '../arm/json-path.ts';
import { NETWORK_NAME } from './network-name.ts';
import { isFilled, isGiven, isTrue } from '../arm/unsupported.ts';

const prefix = z.string().refine(isPrefix, 'expected an IPv4 prefix as 10.0.0.0/16');

const schema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z
    .looseObject({
      addressSpace: z
        .looseObject({ addressPrefixes: z.array(prefix).default([]) })
        .prefault({ addressPrefixes: ['10.0.0.0/16'] }),
      subnets: z
        .array(
          z.looseObject({
            name: z.string().min(1).max(80),
            properties: z
              .looseObject({
                addressPrefix: prefix.optional(),
                addressPrefixes: z.array(prefix).optional(),
              })
              .prefault({}),
          }),
        )
        .default([]),
    })
    .prefault({}),
});
type NetworkBody = z.infer<typeof schema>;
type Context = PrepareContext<NetworkBody>;

export const virtualNetworkType = defineResource({
  type: 'Microsoft.Network/virtualNetworks',
  scope: 'resourceGroup',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: NETWORK_NAME,
  location: 'tracked',
  schema,
  put: 'sync',
  delete: 'sync',
  unsupported: [
    ['properties.virtualNetworkPeerings', isFilled, 'Networks are not connected here.'],
    ['properties.dhcpOptions.dnsServers', isFilled, 'Guests ask the resolver of the host.'],
    ['properties.ddosProtectionPlan', isGiven, 'Leave it out.'],
    ['properties.enableDdosProtection', isTrue, 'Leave it out.'],
    ['properties.subnets[].properties.natGateway', isGiven, 'Leave it out.'],
    ['properties.subnets[].properties.routeTable', isGiven, 'Leave it out.'],
    ['properties.subnets[].properties.delegations', isFilled, 'Leave it out.'],
  ],
  async prepare(context: Context) {
    checkSubnets(context);
    await checkUsedSubnets(context);
    return { body: toJson(context.body) };
  },
  async checkDelete({ store, row }) {
    const [use] = await subnetUses(store, row.key);
    if (use === undefined) return;
    throw inUse(use);
  },
});

export const subnetType = defineInline({
  type: 'Microsoft.Network/virtualNetworks/subnets',
  property: 'subnets',
  verbs: ['get', 'list', 'put', 'delete'],
});

function checkSubnets({ body, problems }: Context): void {
  const names = body.properties.subnets.map(({ name }) => name.toLowerCase());
  for (const [i, subnet] of body.properties.subnets.entries()) {
    const at = `properties.subnets[${i}]`;
    if (names.indexOf(subnet.name.toLowerCase()) !== i) {
      problems.add(`${at}.name`, `The subnet name '${subnet.name}' is used twice.`);
    }
    const { addressPrefix, addressPrefixes } = subnet.properties;
    // Clients read addressPrefix; newer api-versions write the list.
    const [first] = addressPrefixes ?? [];
    if (addressPrefix === undefined && first === undefined) {
      problems.add(
        `${at}.properties.addressPrefix`,
        `The subnet '${subnet.name}' needs an addressPrefix.`,
      );
    } else if (addressPrefix === undefined) {
      subnet.properties.addressPrefix = first;
    }
  }
}

/** A subnet that a scale set is in cannot go, by PUT of the network either. */
async function checkUsedSubnets({ store, id, body, existing }: Context): Promise<void> {
  if (existing === undefined) return;
  const kept = body.properties.subnets.map(({ name }) => resourceKey(childId(id, 'subnets', name)));
  const uses = await subnetUses(store, existing.key);
  const lost = uses.find(({ subnet }) => !kept.includes(subnet as (typeof kept)[number]));
  if (lost !== undefined) throw inUse(lost);
}

type Use = { readonly subnet: string; readonly scaleSet: Stored<'resource'> };

async function subnetUses(store: StoreReader, networkKey: string): Promise<Use[]> {
  const sets = await store.list('resource', { type: 'microsoft.compute/virtualmachinescalesets' });
  const path =
    'properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[].properties.ipConfigurations[].properties.subnet.id';
  return sets.flatMap((scaleSet) =>
    textsAt(scaleSet.body.body, path).flatMap((id): Use[] => {
      const subnet = resourceKey(id);
      return subnet.startsWith(`${networkKey}/subnets/`) ? [{ subnet, scaleSet }] : [];
    }),
  );
}

function inUse({ subnet, scaleSet }: Use): ArmError {
  const name = subnet.split('/').at(-1);
  return new ArmError(
    400,
    'InUseSubnetCannotBeDeleted',
    `Subnet ${name} is in use by ${scaleSet.body.id} and cannot be deleted. Delete the scale set first.`,
  );
}

function isPrefix(text: string): boolean {
  const [address = '', length = ''] = text.split('/');
  return isIPv4(address) && /^\d{1,2}$/.test(length) && Number(length) <= 32;
}
