// `<scale set>/providers/Rollset.Fleet/rolloutPolicies/default`: health timeout and drain.
import { defineResource } from '../arm/declaration.ts';
import { rolloutPolicySchema } from './rollout-policy-schema.ts';

export const rolloutPolicyType = defineResource({
  type: 'Rollset.Fleet/rolloutPolicies',
  scope: 'extension',
  extends: ['Microsoft.Compute/virtualMachineScaleSets'],
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: { accepts: (name) => name === 'default', rule: "a scale set has one, named 'default'" },
  location: 'none',
  schema: rolloutPolicySchema,
  put: 'sync',
  delete: 'sync',
});
