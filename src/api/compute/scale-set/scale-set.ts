// Microsoft.Compute/virtualMachineScaleSets: N instances of one image, and how they follow it.
import type { JsonObject } from '../../../model/resource.ts';
import type { Stored } from '../../../store/store.ts';
import { defineResource } from '../../arm/declaration.ts';
import { isObject } from '../../arm/merge.ts';
import { SCALE_SET_ACTIONS } from './actions.ts';
import { prepareScaleSet } from './prepare.ts';
import { scaleSetSchema } from './schema.ts';
import { SCALE_SET_UNSUPPORTED } from './unsupported.ts';

export const scaleSetType = defineResource({
  type: 'Microsoft.Compute/virtualMachineScaleSets',
  scope: 'resourceGroup',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: {
    accepts: (name) => /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?$/.test(name),
    rule: "1 to 64 letters, digits, '_', '.' and '-', beginning with a letter or digit",
  },
  location: 'tracked',
  schema: scaleSetSchema,
  put: { operation: 'scaleSet.put' },
  delete: { operation: 'scaleSet.delete' },
  deletesChildren: true,
  // Clients scale with `{location, sku}` and update without the image.
  mergePut: {
    wholesale: [
      'tags',
      'identity',
      'properties.virtualMachineProfile.storageProfile.imageReference',
    ],
  },
  unsupported: SCALE_SET_UNSUPPORTED,
  prepare: prepareScaleSet,
  present: presentScaleSet,
  actions: SCALE_SET_ACTIONS,
});

/** Secrets are in `internal`, so the stored body can be shown as it is. */
function presentScaleSet({ body: row }: Stored<'resource'>): JsonObject {
  const properties = isObject(row.body['properties']) ? row.body['properties'] : {};
  const { uniqueId } = row.internal;
  return {
    ...row.body,
    properties: {
      ...properties,
      ...(uniqueId === undefined ? {} : { uniqueId }),
      timeCreated: row.createdAt,
    },
  };
}
