// The one subscription of this control plane. It has no row: it is what the server was started as.
import type { JsonObject } from '../../model/resource.ts';
import { subscriptionNotFound } from '../arm/arm-error.ts';
import { defineComputed } from '../arm/declaration.ts';
import type { ComputedDeclaration } from '../arm/declaration.ts';

export function subscriptionType(subscriptionId: string, tenantId: string): ComputedDeclaration {
  const subscription: JsonObject = {
    id: `/subscriptions/${subscriptionId}`,
    subscriptionId,
    tenantId,
    displayName: 'Local',
    // Without this clients hold the account for unusable.
    state: 'Enabled',
    managedByTenants: [],
    subscriptionPolicies: { locationPlacementId: 'Public_2014-09-01', spendingLimit: 'Off' },
  };
  return defineComputed({
    type: 'Microsoft.Resources/subscriptions',
    scope: 'tenant',
    get: ({ name }) =>
      name.toLowerCase() === subscriptionId.toLowerCase()
        ? Promise.resolve(subscription)
        : Promise.reject(subscriptionNotFound(name)),
    list: () => Promise.resolve([subscription]),
  });
}
