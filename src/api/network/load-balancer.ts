// Microsoft.Network/loadBalancers: frontends, pools, probes and rules, kept inline in one body.
import { childId, resourceKey } from '../../model/resource-id.ts';
import type { JsonObject } from '../../model/resource.ts';
import { operationNotAllowed } from '../arm/arm-error.ts';
import { defineInline, defineResource } from '../arm/declaration.ts';
import type { InlineDeclaration, PrepareContext, StoreReader } from '../arm/declaration.ts';
import { toJson } from '../arm/put-resource.ts';
import { textsAt } from '../arm/json-path.ts';
import { isFilled, isGiven, isOtherThan, isTrue } from '../arm/unsupported.ts';
import { chooseAddress } from './frontend-address.ts';
import { loadBalancerSchema, poolOf } from './load-balancer-schema.ts';
import { NETWORK_NAME } from './network-name.ts';
import type { LoadBalancerBody } from './load-balancer-schema.ts';

type Context = PrepareContext<LoadBalancerBody>;
const RULE = 'properties.loadBalancingRules';

export const loadBalancerType = defineResource({
  type: 'Microsoft.Network/loadBalancers',
  scope: 'resourceGroup',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: NETWORK_NAME,
  location: 'tracked',
  schema: loadBalancerSchema,
  put: 'sync',
  delete: 'sync',
  unsupported: [
    ['sku.name', isOtherThan('Standard', 'Basic'), 'Use Standard.'],
    [
      'properties.frontendIPConfigurations[].properties.publicIPAddress',
      isGiven,
      'A frontend gets a loopback address, shown as privateIPAddress.',
    ],
    [
      'properties.frontendIPConfigurations[].properties.publicIPPrefix',
      isGiven,
      'A frontend gets a loopback address, shown as privateIPAddress.',
    ],
    [`${RULE}[].properties.protocol`, isOtherThan('Tcp'), 'Use Tcp.'],
    [`${RULE}[].properties.enableFloatingIP`, isTrue, 'Leave it out.'],
    [
      `${RULE}[].properties.loadDistribution`,
      isOtherThan('Default'),
      'Requests go to any ready instance.',
    ],
    ['properties.inboundNatRules', isFilled, 'Reach one instance with `rollset exec`.'],
    ['properties.inboundNatPools', isFilled, 'Reach one instance with `rollset exec`.'],
    ['properties.outboundRules', isFilled, 'Leave them out.'],
  ],
  async prepare(context: Context) {
    checkNames(context);
    checkRules(context);
    if (context.existing !== undefined) await checkUsedPools(context);
    return { body: await withAddresses(context) };
  },
  async checkDelete({ store, row }) {
    const [use] = await poolUses(store, row.key);
    if (use === undefined) return;
    throw operationNotAllowed(
      `The load balancer ${row.body.id} cannot be deleted: its pool is used by ${use.scaleSetId}. Delete the scale set first.`,
    );
  },
});

export const loadBalancerChildren: readonly InlineDeclaration[] = [
  'frontendIPConfigurations',
  'backendAddressPools',
  'probes',
  'loadBalancingRules',
].map((property) =>
  defineInline({
    type: `Microsoft.Network/loadBalancers/${property}`,
    property,
    // Azure writes pools by themselves and all else through the load balancer.
    verbs: property === 'backendAddressPools' ? ['get', 'list', 'put', 'delete'] : ['get', 'list'],
  }),
);

const ARRAYS = [
  'frontendIPConfigurations',
  'backendAddressPools',
  'probes',
  'loadBalancingRules',
] as const;

function checkNames({ body, problems }: Context): void {
  for (const array of ARRAYS) {
    const names = body.properties[array].map(({ name }) => name.toLowerCase());
    for (const [i, name] of names.entries()) {
      if (names.indexOf(name) === i) continue;
      problems.add(
        `properties.${array}[${i}].name`,
        `The name '${name}' is used twice in ${array}.`,
      );
    }
  }
}

/** Rules refer to parts of this very load balancer, and each frontend port has one rule. */
function checkRules({ id, body, problems }: Context): void {
  const ids = new Map(
    ARRAYS.map((array) => [
      array,
      new Set<string>(
        body.properties[array].map(({ name }) => resourceKey(childId(id, array, name))),
      ),
    ]),
  );
  const seen = new Map<string, string>();
  for (const [i, rule] of body.properties.loadBalancingRules.entries()) {
    const { name, properties } = rule;
    const at = `${RULE}[${i}].properties`;
    const pool = poolOf(rule);
    const references = [
      [
        'frontendIPConfiguration',
        'frontendIPConfigurations',
        properties.frontendIPConfiguration.id,
      ],
      ['backendAddressPool', 'backendAddressPools', pool],
      ['probe', 'probes', properties.probe?.id],
    ] as const;
    for (const [field, array, reference] of references) {
      if (reference === undefined || ids.get(array)?.has(resourceKey(reference)) === true) continue;
      problems.add(
        `${at}.${field}`,
        `Resource ${reference} referenced by resource ${childId(id, 'loadBalancingRules', name)} was not found.`,
        'InvalidResourceReference',
      );
    }
    const place = `${resourceKey(properties.frontendIPConfiguration.id)}:${properties.frontendPort}`;
    const other = seen.get(place);
    if (other !== undefined) {
      problems.add(
        `${at}.frontendPort`,
        `Rules '${other}' and '${name}' both have frontend port ${properties.frontendPort}.`,
      );
    }
    seen.set(place, name);
  }
}

/** Each frontend keeps the address it has; a new one gets a free one. */
async function withAddresses({ store, id, body, existing }: Context): Promise<JsonObject> {
  const rows = await store.list('resource', { type: 'microsoft.network/loadbalancers' });
  const own = existing === undefined ? new Map<string, string>() : addressesOf(existing.body.body);
  const others = rows.filter(({ key }) => key !== resourceKey(id));
  const taken = new Set([
    ...others.flatMap(({ body: row }) => [...addressesOf(row.body).values()]),
    ...own.values(),
  ]);
  const frontendIPConfigurations = body.properties.frontendIPConfigurations.map((frontend) => {
    const frontendId = childId(id, 'frontendIPConfigurations', frontend.name);
    const privateIPAddress =
      own.get(frontend.name.toLowerCase()) ?? chooseAddress(frontendId, taken);
    taken.add(privateIPAddress);
    const properties = {
      ...frontend.properties,
      privateIPAddress,
      privateIPAllocationMethod: 'Dynamic',
    };
    return { ...frontend, properties };
  });
  return toJson({ ...body, properties: { ...body.properties, frontendIPConfigurations } });
}

function addressesOf(body: JsonObject): Map<string, string> {
  const { properties } = loadBalancerSchema.parse(body);
  return new Map(
    properties.frontendIPConfigurations.flatMap(({ name, properties: { privateIPAddress } }) =>
      privateIPAddress === undefined ? [] : [[name.toLowerCase(), privateIPAddress] as const],
    ),
  );
}

async function checkUsedPools({ store, id, body }: Context): Promise<void> {
  const kept = body.properties.backendAddressPools.map(({ name }) =>
    resourceKey(childId(id, 'backendAddressPools', name)),
  );
  const uses = await poolUses(store, resourceKey(id));
  const lost = uses.find(({ pool }) => !kept.some((one) => one === pool));
  if (lost === undefined) return;
  throw operationNotAllowed(
    `The backend address pool ${lost.pool} cannot be removed: ${lost.scaleSetId} is in it.`,
  );
}

type PoolUse = { readonly pool: string; readonly scaleSetId: string };

async function poolUses(store: StoreReader, loadBalancerKey: string): Promise<PoolUse[]> {
  const sets = await store.list('resource', { type: 'microsoft.compute/virtualmachinescalesets' });
  const path =
    'properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[].properties.ipConfigurations[].properties.loadBalancerBackendAddressPools[].id';
  return sets.flatMap(({ body }) =>
    textsAt(body.body, path)
      .map((id) => ({ pool: resourceKey(id), scaleSetId: body.id }))
      .filter(({ pool }) => pool.startsWith(`${loadBalancerKey}/backendaddresspools/`)),
  );
}
