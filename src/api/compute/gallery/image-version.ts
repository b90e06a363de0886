// Microsoft.Compute/galleries/images/versions: one image, published under a number.
import { foldLocation } from '../../../model/location.ts';
import { parseGalleryImageId } from '../../../model/gallery-image-id.ts';
import { parseImageVersion } from '../../../model/image-version.ts';
import { resourceKey, sameResource } from '../../../model/resource-id.ts';
import type { JsonObject } from '../../../model/resource.ts';
import { ArmError, propertyChangeNotAllowed } from '../../arm/arm-error.ts';
import { defineResource } from '../../arm/declaration.ts';
import type { PrepareContext, RequestContext } from '../../arm/declaration.ts';
import { isObject } from '../../arm/merge.ts';
import { toJson } from '../../arm/put-resource.ts';
import { textAt, textsAt, valueAt } from '../../arm/json-path.ts';
import { isFilled, isGiven } from '../../arm/unsupported.ts';
import type { Stored } from '../../../store/store.ts';
import { imageVersionSchema } from './image-version-schema.ts';
import type { ImageVersionBody } from './image-version-schema.ts';

type Context = PrepareContext<ImageVersionBody>;

const REGION_NAMES = 'properties.publishingProfile.targetRegions[].name';
const SOURCE_SENTENCE =
  'Make the version from another gallery image version: storageProfile.source.id.';

export const imageVersionType = defineResource({
  type: 'Microsoft.Compute/galleries/images/versions',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: {
    accepts: (name) => parseImageVersion(name) !== undefined,
    rule: 'Major.Minor.Patch, three whole numbers of 0 to 2147483647, as 1.4.0',
    target: 'galleryImageVersionName',
  },
  location: 'tracked',
  schema: imageVersionSchema,
  put: { operation: 'galleryVersion.put' },
  delete: { operation: 'galleryVersion.delete' },
  unsupported: [
    ['properties.storageProfile.source.virtualMachineId', isGiven, SOURCE_SENTENCE],
    ['properties.storageProfile.source.communityGalleryImageId', isGiven, SOURCE_SENTENCE],
    ['properties.storageProfile.osDiskImage.source.id', isGiven, SOURCE_SENTENCE],
    ['properties.storageProfile.osDiskImage.source.uri', isGiven, SOURCE_SENTENCE],
    ['properties.storageProfile.dataDiskImages', isFilled, 'Images have an OS disk only.'],
    [
      'properties.publishingProfile.targetExtendedLocations',
      isFilled,
      'There are no edge zones here.',
    ],
    [
      'properties.publishingProfile.targetRegions[].encryption',
      isGiven,
      'Layers are not encrypted.',
    ],
    ['properties.securityProfile', isGiven, 'Guests start by BIOS without Secure Boot.'],
    ['properties.restore', isGiven, 'Deletion is final here.'],
  ],
  async prepare(context: Context) {
    checkRegions(context);
    checkEndOfLife(context);
    const body = withContent(context);
    if (context.existing === undefined) await checkSource(context);
    // Only new replicas are somebody else's work; a published version stays usable meanwhile.
    return { body, finished: context.existing !== undefined && !addsRegion(context) };
  },
  present: presentVersion,
  checkDelete: ({ row, now }) => Promise.resolve(refuseBeforeEndOfLife(row, now)),
});

/** Home region among the targets, none twice; the default is the home region alone. */
function checkRegions({ body, problems }: Context): void {
  const { targetRegions } = body.properties.publishingProfile;
  if (targetRegions === undefined) return;
  const target = 'properties.publishingProfile.targetRegions';
  const names = targetRegions.map(({ name }) => foldLocation(name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) problems.add(target, `The target region '${twice}' is listed twice.`);
  if (names.includes(foldLocation(body.location))) return;
  problems.add(
    target,
    `The target regions (${names.join(', ') || 'none'}) must contain the version's own location '${body.location}'.`,
  );
}

function checkEndOfLife({ body, existing, now, problems }: Context): void {
  const { endOfLifeDate } = body.properties.publishingProfile;
  if (endOfLifeDate === undefined || Date.parse(endOfLifeDate) > now) return;
  const before = existing === undefined ? undefined : endOfLifeOf(existing);
  if (before === endOfLifeDate) return;
  problems.add(
    'properties.publishingProfile.endOfLifeDate',
    `The endOfLifeDate '${endOfLifeDate}' is in the past.`,
  );
}

/** The content of a version never changes; a body may leave it out. */
function withContent({ body, existing }: Context): JsonObject {
  const publishingProfile = withRegions(body);
  const given = body.properties.storageProfile;
  const kept = existing === undefined ? undefined : storageProfileOf(existing);
  const source = given?.source?.id;
  const before = kept === undefined ? undefined : textAt(kept, 'source.id');
  if (existing !== undefined && source !== undefined) {
    const same = before !== undefined && sameResource(before, source);
    if (!same)
      throw propertyChangeNotAllowed('galleryImageVersion.properties.storageProfile.source.id');
  }
  const storageProfile = kept ?? given;
  return toJson({
    ...body,
    properties: {
      ...body.properties,
      publishingProfile,
      ...(storageProfile === undefined ? {} : { storageProfile }),
    },
  });
}

function withRegions(body: ImageVersionBody) {
  const { publishingProfile } = body.properties;
  const home = {
    name: body.location,
    regionalReplicaCount: publishingProfile.replicaCount,
    storageAccountType: publishingProfile.storageAccountType,
    excludeFromLatest: false,
  };
  return { ...publishingProfile, targetRegions: publishingProfile.targetRegions ?? [home] };
}

async function checkSource({ store, body, problems }: Context): Promise<void> {
  const target = 'properties.storageProfile.source.id';
  const id = body.properties.storageProfile?.source?.id;
  if (id === undefined) {
    problems.add(target, `A version needs a source. ${SOURCE_SENTENCE}`);
    return;
  }
  if (parseGalleryImageId(id)?.version === undefined) {
    problems.add(
      target,
      `The source '${id}' is not the id of a gallery image version (…/versions/1.2.3). ${SOURCE_SENTENCE}`,
    );
    return;
  }
  const source = await store.get('resource', resourceKey(id));
  if (source?.body.provisioningState !== 'Succeeded') {
    const state = source === undefined ? 'does not exist' : `is ${source.body.provisioningState}`;
    throw new ArmError(
      404,
      'GalleryImageNotFound',
      `The source image ${id} is not available: it ${state}.`,
      { target },
    );
  }
  const names = textsAt(source.body.body, REGION_NAMES).map(foldLocation);
  if (names.length === 0 || names.includes(foldLocation(body.location))) return;
  problems.add(
    target,
    `The source image ${id} has no replica in '${body.location}', but in: ${names.join(', ')}.`,
  );
}

function addsRegion({ body, existing }: Context): boolean {
  if (existing === undefined) return true;
  const before = textsAt(existing.body.body, REGION_NAMES).map(foldLocation);
  const wanted = (body.properties.publishingProfile.targetRegions ?? []).map(({ name }) =>
    foldLocation(name),
  );
  return wanted.some((name) => !before.includes(name));
}

/** `replicationStatus` only when asked for, as on Azure. */
function presentVersion(row: Stored<'resource'>, { query }: RequestContext): JsonObject {
  const { body, provisioningState } = row.body;
  const properties = isObject(body['properties']) ? body['properties'] : {};
  const expand = [...query].find(([key]) => key.toLowerCase() === '$expand')?.[1] ?? '';
  if (expand.toLowerCase() !== 'replicationstatus') return body;
  const done = provisioningState === 'Succeeded';
  const state = provisioningState === 'Failed' ? 'Failed' : done ? 'Completed' : 'Replicating';
  const regions = textsAt(body, REGION_NAMES);
  const summary = regions.map((region) => ({
    region,
    state,
    progress: done ? 100 : 0,
    details: '',
  }));
  const aggregatedState = state === 'Replicating' ? 'InProgress' : state;
  return {
    ...body,
    properties: { ...properties, replicationStatus: { aggregatedState, summary } },
  };
}

function refuseBeforeEndOfLife(row: Stored<'resource'>, now: number): void {
  const blocked = valueAt(row.body.body, 'properties.safetyProfile.blockDeletionBeforeEndOfLife');
  const end = endOfLifeOf(row);
  if (blocked !== true || end === undefined || Date.parse(end) <= now) return;
  throw new ArmError(
    409,
    'DeleteGalleryImageVersionBlockedBeforeEndOfLife',
    `The version ${row.body.id} may not be deleted before its endOfLifeDate ${end} (safetyProfile.blockDeletionBeforeEndOfLife).`,
  );
}

function endOfLifeOf(row: Stored<'resource'>): string | undefined {
  return textAt(row.body.body, 'properties.publishingProfile.endOfLifeDate');
}

function storageProfileOf(row: Stored<'resource'>): JsonObject | undefined {
  const found = valueAt(row.body.body, 'properties.storageProfile');
  return isObject(found) ? found : undefined;
}
