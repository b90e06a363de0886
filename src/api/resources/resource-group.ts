// Microsoft.Resources/resourceGroups: folders of resources. Deleting one deletes what is in it.
import { z } from 'zod';
import { defineResource } from '../arm/declaration.ts';

const schema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
});

export const resourceGroupType = defineResource({
  type: 'Microsoft.Resources/resourceGroups',
  scope: 'subscription',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: {
    accepts: (name) => /^[\p{L}\p{N}_()-][\p{L}\p{N}_().-]{0,89}(?<!\.)$/u.test(name),
    rule: "1 to 90 letters, digits, '-', '_', '(', ')' and '.', not ending in '.'",
    target: 'resourceGroupName',
  },
  location: 'tracked',
  schema,
  put: 'sync',
  delete: { operation: 'resourceGroup.delete' },
  deletesChildren: true,
});
