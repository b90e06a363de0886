// The row of a new gallery image version. Pure.
import { foldLocation, locationOf } from '../model/location.ts';
import { imageVersionId } from '../model/gallery-image-id.ts';
import type { ImageManifest } from '../model/image.ts';
import { resourceKey } from '../model/resource-id.ts';
import type { JsonObject, ResourceRow } from '../model/resource.ts';
import type { Put } from '../store/store.ts';
import { manifestToJson } from './manifest.ts';

/** As store documents are typed. */
export const VERSION_TYPE = 'microsoft.compute/galleries/images/versions';
const GIB = 1024 ** 3;

export type TargetRegion = {
  readonly name: string;
  readonly replicaCount: number;
  readonly storageAccountType: string;
  readonly excludeFromLatest: boolean;
};

export type NewVersion = {
  readonly definition: ResourceRow;
  readonly version: string;
  readonly manifest: ImageManifest;
  readonly targetRegions: readonly TargetRegion[];
  readonly excludeFromLatest: boolean;
  readonly replicationMode: 'Full' | 'Shallow';
  readonly tags: Readonly<Record<string, string>>;
  /** ISO 8601. */
  readonly now: string;
};

/** The write that makes a version visible, whole, at once. It must be new. */
export function newVersionPut(wanted: NewVersion): Put<'resource'> {
  const id = imageVersionId(wanted.definition.id, wanted.version);
  return {
    put: 'resource',
    key: resourceKey(id),
    parent: resourceKey(wanted.definition.id),
    type: VERSION_TYPE,
    expect: 'absent',
    body: {
      id,
      type: 'Microsoft.Compute/galleries/images/versions',
      name: wanted.version,
      body: {
        location: locationOf(wanted.definition),
        tags: { ...wanted.tags },
        properties: {
          publishingProfile: publishingProfile(wanted),
          storageProfile: {
            source: {},
            osDiskImage: {
              hostCaching: 'ReadWrite',
              sizeInGB: Math.ceil(wanted.manifest.osDiskSizeBytes / GIB),
              source: {},
            },
          },
          safetyProfile: {
            reportedForPolicyViolation: false,
            allowDeletionOfReplicatedLocations: false,
          },
        },
      },
      internal: { manifest: manifestToJson(wanted.manifest) },
      provisioningState: 'Succeeded',
      generation: 1,
      createdAt: wanted.now,
      changedAt: wanted.now,
    },
  };
}

/** Regions of a version as its row has them, folded for comparison. */
export function regionsOf(version: ResourceRow): { name: string; excludeFromLatest: boolean }[] {
  const profile = objectAt(objectAt(version.body, 'properties'), 'publishingProfile');
  const regions = profile['targetRegions'];
  const listed = (Array.isArray(regions) ? regions : []).flatMap((region) => {
    const fields = asObject(region);
    const name = fields['name'];
    if (typeof name !== 'string') return [];
    return [{ name: foldLocation(name), excludeFromLatest: fields['excludeFromLatest'] === true }];
  });
  if (listed.length > 0) return listed;
  return [{ name: foldLocation(locationOf(version)), excludeFromLatest: false }];
}

export function isExcludedFromLatest(version: ResourceRow): boolean {
  const profile = objectAt(objectAt(version.body, 'properties'), 'publishingProfile');
  return profile['excludeFromLatest'] === true;
}

/** `storageProfile.source.id`, the image a version is made from. */
export function sourceIdOf(version: ResourceRow): string | undefined {
  const storage = objectAt(objectAt(version.body, 'properties'), 'storageProfile');
  const id = objectAt(storage, 'source')['id'];
  return typeof id === 'string' && id !== '' ? id : undefined;
}

/** The wire body with `publishedDate`, unless it has one: publishing happens once. */
export function withPublishedDate(body: JsonObject, now: string): JsonObject {
  const properties = objectAt(body, 'properties');
  const profile = objectAt(properties, 'publishingProfile');
  const publishingProfile = { publishedDate: now, ...profile };
  return { ...body, properties: { ...properties, publishingProfile } };
}

function objectAt(parent: JsonObject, name: string): JsonObject {
  return asObject(parent[name]);
}

function asObject(value: unknown): JsonObject {
  // Rows come out of the store as JSON, so an object here is a JSON object.
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : {};
}

function publishingProfile(wanted: NewVersion): JsonObject {
  return {
    targetRegions: wanted.targetRegions.map((region) => ({
      name: region.name,
      regionalReplicaCount: region.replicaCount,
      storageAccountType: region.storageAccountType,
      excludeFromLatest: region.excludeFromLatest,
    })),
    replicaCount: 1,
    excludeFromLatest: wanted.excludeFromLatest,
    publishedDate: wanted.now,
    storageAccountType: 'Standard_LRS',
    replicationMode: wanted.replicationMode,
  };
}
