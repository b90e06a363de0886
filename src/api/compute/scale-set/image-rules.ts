// The image of a scale set: one form, an existing definition, and a version that can be started.
import { readVersionsOfSet } from '../../../gallery/read-versions.ts';
import { parseGalleryImageId } from '../../../model/gallery-image-id.ts';
import type { GalleryImageReference } from '../../../model/gallery-image-id.ts';
import { resourceKey, sameResource } from '../../../model/resource-id.ts';
import { foldLocation } from '../../../model/location.ts';
import { resolveLatest } from '../../../planning/gallery/latest.ts';
import { ArmError } from '../../arm/arm-error.ts';
import type { PrepareContext } from '../../arm/declaration.ts';
import { textAt, valueAt } from '../../arm/json-path.ts';
import type { ScaleSetBody } from './schema.ts';

type Context = PrepareContext<ScaleSetBody>;
const TARGET = 'properties.virtualMachineProfile.storageProfile.imageReference';

/** Normalises `…/versions/latest` to the definition, as it means the same. */
export async function checkImage(context: Context): Promise<void> {
  const { body, store } = context;
  const { storageProfile } = body.properties.virtualMachineProfile;
  const reference = storageProfile.imageReference;
  const id = reference?.id;
  const image = id === undefined ? undefined : parseGalleryImageId(id);
  if (reference === undefined || id === undefined || image === undefined)
    throw notAGalleryImage(id);
  if (reference.version !== undefined) {
    throw new ArmError(
      400,
      'InvalidParameter',
      'The imageReference has both id and version; a version is part of the id: …/images/{definition}/versions/1.2.3.',
      { target: TARGET },
    );
  }
  if (image.version === undefined)
    storageProfile.imageReference = { ...reference, id: image.definitionId };
  checkSameDefinition(context, image);
  const definition = await store.get('resource', resourceKey(image.definitionId));
  if (definition === undefined) throw imageNotFound(image.definitionId, body.location);
  if (mustStart(context, id)) await checkVersion(context, image);
}

function notAGalleryImage(id: string | undefined): ArmError {
  const given = id === undefined ? 'it has no id' : `its id is '${id}'`;
  return new ArmError(
    400,
    'InvalidParameter',
    `The imageReference must be a gallery image definition (…/galleries/{gallery}/images/{definition}) or one version of it; ${given}.`,
    { target: TARGET },
  );
}

/** Versions are compared by number within one definition, so the definition is fixed for now. */
function checkSameDefinition({ existing }: Context, image: GalleryImageReference): void {
  if (existing === undefined) return;
  const before = parseGalleryImageId(textAt(existing.body.body, `${TARGET}.id`) ?? '');
  if (before === undefined || sameResource(before.definitionId, image.definitionId)) return;
  throw new ArmError(
    409,
    'PropertyChangeNotAllowed',
    `Changing property 'imageReference.id' from one image definition to another is not supported yet by this control plane: the set has ${before.definitionId}. Publish the image as a version of that definition.`,
    { target: 'imageReference.id' },
  );
}

/** Instances will be started that could not be before: a new set, another image, more instances. */
function mustStart({ body, existing }: Context, imageId: string): boolean {
  if (body.sku.capacity === 0) return false;
  if (existing === undefined) return true;
  const before = textAt(existing.body.body, `${TARGET}.id`) ?? '';
  const capacity = Number(valueAt(existing.body.body, 'sku.capacity'));
  return !sameResource(before, imageId) || body.sku.capacity > capacity;
}

async function checkVersion(
  { store, body, id }: Context,
  image: GalleryImageReference,
): Promise<void> {
  const { candidates } = await readVersionsOfSet(store, image.definitionId, id);
  const region = foldLocation(body.location);
  if (image.version !== undefined) {
    const wanted = candidates.find(({ name }) => name === image.version);
    const here = wanted?.regions.some(({ name }) => foldLocation(name) === region) === true;
    if (wanted?.provisioningState === 'Succeeded' && here) return;
    throw imageNotFound(`${image.definitionId}/versions/${image.version}`, body.location);
  }
  const { latest, losers } = resolveLatest(candidates, region);
  if (latest !== undefined) return;
  const why = losers.map(({ sentence }) => sentence).join(' ');
  throw new ArmError(
    400,
    'InvalidParameter',
    `In region ${body.location}, the following list of Shared Image Gallery images referenced from the deployment template were not found: ${image.definitionId}. Please check that at least one image has been replicated to ${body.location} or that the 'exclude from latest' flag is set to false. ${why || 'The definition has no version yet.'}`,
    { target: TARGET },
  );
}

function imageNotFound(id: string, location: string): ArmError {
  return new ArmError(
    404,
    'GalleryImageNotFound',
    `"The gallery image ${id} is not available in ${location} region. Please contact image owner to replicate to this region, or change your requested region."`,
    { target: 'imageReference' },
  );
}
