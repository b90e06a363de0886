// Microsoft.Compute/galleries: the holder of image definitions.
import { z } from 'zod';
import { resourceKey } from '../../../model/resource-id.ts';
import { ArmError } from '../../arm/arm-error.ts';
import { defineResource } from '../../arm/declaration.ts';
import type { PrepareContext } from '../../arm/declaration.ts';
import { toJson } from '../../arm/put-resource.ts';
import { isGiven, isOtherThan, isTrue } from '../../arm/unsupported.ts';

const schema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.looseObject({ description: z.string().optional() }).prefault({}),
});
type GalleryBody = z.infer<typeof schema>;

export const galleryType = defineResource({
  type: 'Microsoft.Compute/galleries',
  scope: 'resourceGroup',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: {
    accepts: (name) => /^[A-Za-z0-9]([A-Za-z0-9_.]{0,78}[A-Za-z0-9])?$/.test(name),
    rule: "1 to 80 letters, digits, '_' and '.' (no '-'), beginning and ending with a letter or digit",
    target: 'galleryName',
  },
  location: 'tracked',
  schema,
  put: 'sync',
  delete: 'sync',
  unsupported: [
    [
      'properties.sharingProfile.permissions',
      isOtherThan('Private'),
      'Galleries are private here.',
    ],
    ['properties.softDeletePolicy.isSoftDeleteEnabled', isTrue, 'Deletion is final here.'],
    ['identity', isGiven, 'A gallery needs no identity here.'],
  ],
  async prepare(context: PrepareContext<GalleryBody>) {
    await checkUnique(context);
    const { id, name, body } = context;
    const uniqueName = `${id.split('/')[2]}-${name.toUpperCase()}`;
    return {
      body: toJson({ ...body, properties: { ...body.properties, identifier: { uniqueName } } }),
    };
  },
});

/** A gallery's name is unique in the subscription, not only in its resource group. */
async function checkUnique({ store, id, name, existing }: PrepareContext<GalleryBody>) {
  if (existing !== undefined) return;
  const galleries = await store.list('resource', { type: 'microsoft.compute/galleries' });
  const other = galleries.find(
    ({ key, body }) => key !== resourceKey(id) && body.name.toLowerCase() === name.toLowerCase(),
  );
  if (other === undefined) return;
  throw new ArmError(
    409,
    'Conflict',
    `A gallery's name is unique in its subscription: '${name}' is taken by ${other.body.id}.`,
    { target: 'galleryName' },
  );
}
