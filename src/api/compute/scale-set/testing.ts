// Scale-set bodies and rows for tests: the one that `rollset ship` writes, and a row of it.
import { asResourceId } from '../../../model/resource-id.ts';
import type { JsonObject, ResourceRow } from '../../../model/resource.ts';

export const GROUP = '/subscriptions/5b8e/resourceGroups/shop-rg';
export const DEFINITION = `${GROUP}/providers/Microsoft.Compute/galleries/shop/images/shop`;
export const LOAD_BALANCER = `${GROUP}/providers/Microsoft.Network/loadBalancers/shop-lb`;
export const SCALE_SET = `${GROUP}/providers/Microsoft.Compute/virtualMachineScaleSets/shop`;
export const SUBNET = `${GROUP}/providers/Microsoft.Network/virtualNetworks/shop-vnet/subnets/default`;
const NOON = '2026-03-02T12:00:00.000Z';

export function shopScaleSetBody(): JsonObject & { properties: JsonObject } {
  return {
    location: 'West US',
    tags: { 'rollset:memoryMiB': '256' },
    sku: { name: 'Standard_B1s', tier: 'Standard', capacity: 5 },
    properties: {
      upgradePolicy: {
        mode: 'Manual',
        rollingUpgradePolicy: {
          maxBatchInstancePercent: 40,
          maxUnhealthyInstancePercent: 40,
          pauseTimeBetweenBatches: 'PT1M30S',
        },
        automaticOSUpgradePolicy: { enableAutomaticOSUpgrade: true, useRollingUpgradePolicy: true },
      },
      virtualMachineProfile: {
        storageProfile: {
          imageReference: { id: DEFINITION },
          osDisk: { createOption: 'FromImage', caching: 'ReadOnly' },
          dataDisks: [
            { lun: 3, createOption: 'Empty', diskSizeGB: 2 },
            { lun: 0, createOption: 'Empty', diskSizeGB: 1 },
          ],
        },
        osProfile: {
          computerNamePrefix: 'shop',
          adminUsername: 'keeper',
          linuxConfiguration: {
            disablePasswordAuthentication: true,
            ssh: {
              publicKeys: [
                { path: '/home/keeper/.ssh/authorized_keys', keyData: 'ssh-ed25519 AAAA keeper\n' },
              ],
            },
          },
        },
        networkProfile: {
          networkInterfaceConfigurations: [
            {
              name: 'nic',
              properties: {
                primary: true,
                ipConfigurations: [
                  {
                    name: 'ip',
                    properties: {
                      subnet: { id: SUBNET },
                      loadBalancerBackendAddressPools: [
                        { id: `${LOAD_BALANCER}/backendAddressPools/pool` },
                      ],
                    },
                  },
                ],
              },
            },
          ],
        },
        extensionProfile: {
          extensions: [
            {
              name: 'health',
              properties: {
                publisher: 'Microsoft.ManagedServices',
                type: 'ApplicationHealthLinux',
                typeHandlerVersion: '1.0',
                settings: {
                  protocol: 'http',
                  port: 8080,
                  requestPath: '/healthz',
                  intervalInSeconds: 5,
                  numberOfProbes: 2,
                },
              },
            },
          ],
        },
      },
    },
  };
}

export function shopLoadBalancerBody(): JsonObject {
  return {
    location: 'westus',
    sku: { name: 'Standard' },
    properties: {
      frontendIPConfigurations: [
        { name: 'frontend', properties: { privateIPAddress: '127.77.4.9' } },
      ],
      backendAddressPools: [
        { name: 'pool', properties: {} },
        { name: 'other', properties: {} },
      ],
      probes: [
        { name: 'health', properties: { protocol: 'Http', port: 8080, requestPath: '/healthz' } },
      ],
      loadBalancingRules: [
        {
          name: 'http',
          properties: {
            protocol: 'Tcp',
            frontendPort: 80,
            backendPort: 8080,
            frontendIPConfiguration: { id: `${LOAD_BALANCER}/frontendIPConfigurations/frontend` },
            backendAddressPool: { id: `${LOAD_BALANCER}/backendAddressPools/pool` },
            probe: { id: `${LOAD_BALANCER}/probes/health` },
          },
        },
        {
          name: 'ssh',
          properties: {
            protocol: 'Tcp',
            frontendPort: 2222,
            backendPort: 22,
            frontendIPConfiguration: { id: `${LOAD_BALANCER}/frontendIPConfigurations/FRONTEND` },
            backendAddressPool: { id: `${LOAD_BALANCER}/backendAddressPools/pool` },
          },
        },
        {
          name: 'elsewhere',
          properties: {
            protocol: 'Tcp',
            frontendPort: 81,
            backendPort: 81,
            frontendIPConfiguration: { id: `${LOAD_BALANCER}/frontendIPConfigurations/frontend` },
            backendAddressPool: { id: `${LOAD_BALANCER}/backendAddressPools/other` },
          },
        },
      ],
    },
  };
}

export function row(
  id: string,
  type: string,
  body: JsonObject,
  more: Partial<ResourceRow> = {},
): ResourceRow {
  return {
    id: asResourceId(id),
    type,
    name: id.split('/').at(-1) ?? '',
    body,
    internal: {},
    provisioningState: 'Succeeded',
    generation: 1,
    createdAt: NOON,
    changedAt: NOON,
    ...more,
  };
}

export function shopScaleSetRow(more: Partial<ResourceRow> = {}): ResourceRow {
  return row(SCALE_SET, 'Microsoft.Compute/virtualMachineScaleSets', shopScaleSetBody(), more);
}

export function shopLoadBalancerRow(): ResourceRow {
  return row(LOAD_BALANCER, 'Microsoft.Network/loadBalancers', shopLoadBalancerBody());
}
