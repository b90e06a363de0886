// From load balancers to the addresses and ports that reach one scale set. Pure.
import { childId, resourceKey } from '../../../model/resource-id.ts';
import type { ResourceKey } from '../../../model/resource-id.ts';
import type { ResourceRow } from '../../../model/resource.ts';
import type { Frontend, HealthProbe } from '../../../model/scale-set.ts';
import { loadBalancerSchema, poolOf } from '../../network/load-balancer-schema.ts';
import type { LoadBalancerBody } from '../../network/load-balancer-schema.ts';
import type { ScaleSetBody } from './schema.ts';

type Rule = LoadBalancerBody['properties']['loadBalancingRules'][number];

/** Keys of the backend address pools that the set's network interfaces belong to. */
export function backendPoolKeys(body: ScaleSetBody): ResourceKey[] {
  const { networkProfile } = body.properties.virtualMachineProfile;
  const pools = networkProfile.networkInterfaceConfigurations
    .flatMap((nic) => nic.properties.ipConfigurations)
    .flatMap((ip) => ip.properties.loadBalancerBackendAddressPools);
  return [...new Set(pools.map((pool) => resourceKey(pool.id)))];
}

/** Every rule of `loadBalancers` whose pool the set is in, ordered by frontend id. */
export function toFrontends(
  body: ScaleSetBody,
  healthProbe: HealthProbe | undefined,
  loadBalancers: readonly ResourceRow[],
): Frontend[] {
  const pools = new Set<string>(backendPoolKeys(body));
  return loadBalancers
    .flatMap((row) => frontendsOf(row, pools, healthProbe))
    .toSorted((a, b) => (a.frontendId < b.frontendId ? -1 : 1));
}

function frontendsOf(
  row: ResourceRow,
  pools: ReadonlySet<string>,
  healthProbe: HealthProbe | undefined,
): Frontend[] {
  const { properties } = loadBalancerSchema.parse(row.body);
  return properties.loadBalancingRules.flatMap((rule): Frontend[] => {
    const pool = poolOf(rule);
    if (pool === undefined || !pools.has(resourceKey(pool))) return [];
    const address = addressOf(row, properties, rule.properties.frontendIPConfiguration.id);
    if (address === undefined) return [];
    return [
      {
        frontendId: `${resourceKey(row.id)}#${rule.name}`,
        address,
        port: rule.properties.frontendPort,
        backendPort: rule.properties.backendPort,
        mode: modeOf(row, properties, rule, healthProbe),
      },
    ];
  });
}

function addressOf(
  row: ResourceRow,
  properties: LoadBalancerBody['properties'],
  frontendIpConfigurationId: string,
): string | undefined {
  const wanted = resourceKey(frontendIpConfigurationId);
  return properties.frontendIPConfigurations.find(
    ({ name }) => resourceKey(childId(row.id, 'frontendIPConfigurations', name)) === wanted,
  )?.properties.privateIPAddress;
}

/**
 * Azure's load balancer is layer 4. The local one speaks HTTP, and so can retry a request on
 * another instance, where the port is known to speak HTTP: its rule's probe or the health
 * extension asks that very port over http.
 */
function modeOf(
  row: ResourceRow,
  properties: LoadBalancerBody['properties'],
  rule: Rule,
  healthProbe: HealthProbe | undefined,
): Frontend['mode'] {
  const { backendPort, probe: reference } = rule.properties;
  if (healthProbe?.protocol === 'http' && healthProbe.port === backendPort) return 'http';
  if (reference === undefined) return 'tcp';
  const wanted = resourceKey(reference.id);
  const probe = properties.probes.find(
    ({ name }) => resourceKey(childId(row.id, 'probes', name)) === wanted,
  );
  const speaksHttp = probe?.properties.protocol === 'Http' && probe.properties.port === backendPort;
  return speaksHttp ? 'http' : 'tcp';
}
