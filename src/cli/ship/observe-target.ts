// What is there before a ship: versions of the image, the scale set, and what its fleet follows.
import { z } from 'zod';
import { highestImageVersion } from '../../model/image-version.ts';
import type { JsonObject } from '../../model/resource.ts';
import type { ArmClient } from '../client/arm-client.ts';
import { ArmRequestError } from '../client/errors.ts';
import { parseFleetStatus } from '../fleet/status.ts';
import type { FleetStatus } from '../fleet/status.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';
import type { PipelineNames } from '../pipeline/names.ts';

export type GalleryVersion = {
  readonly name: string;
  readonly provisioningState: string;
  readonly excludeFromLatest: boolean;
  readonly publishedDate?: string;
};

export type TargetState = {
  readonly versions: readonly GalleryVersion[];
  readonly scaleSet?: JsonObject;
  /** What the fleet follows, or would. */
  readonly latest?: string;
};

const versionSchema = z.looseObject({
  name: z.string(),
  properties: z.looseObject({
    provisioningState: z.string().default('Succeeded'),
    publishingProfile: z
      .looseObject({
        excludeFromLatest: z.boolean().default(false),
        publishedDate: z.string().nullish(),
      })
      .prefault({}),
  }),
});

export async function observeTarget(arm: ArmClient, names: PipelineNames): Promise<TargetState> {
  const [versions, scaleSet, status] = await Promise.all([
    listVersions(arm, names.definitionId),
    arm.find(names.scaleSetId, API_VERSIONS.compute),
    findFleetStatus(arm, names.scaleSetId),
  ]);
  const candidates = versions
    .filter((each) => each.provisioningState === 'Succeeded' && !each.excludeFromLatest)
    .map(({ name }) => name);
  // A quarantined version is not what the fleet follows, however high its number.
  const latest = status === undefined ? highestImageVersion(candidates) : status.versions.latest;
  return {
    versions,
    ...(scaleSet === undefined ? {} : { scaleSet }),
    ...(latest ? { latest } : {}),
  };
}

/** None when the gallery or the definition does not exist yet. */
export async function listVersions(
  arm: ArmClient,
  definitionId: string,
): Promise<GalleryVersion[]> {
  try {
    const bodies = await arm.list(`${definitionId}/versions`, API_VERSIONS.gallery);
    return bodies.map((body) => {
      const { name, properties } = versionSchema.parse(body);
      const { excludeFromLatest, publishedDate } = properties.publishingProfile;
      return {
        name,
        provisioningState: properties.provisioningState,
        excludeFromLatest,
        ...(publishedDate ? { publishedDate } : {}),
      };
    });
  } catch (error) {
    if (error instanceof ArmRequestError && error.status === 404) return [];
    throw error;
  }
}

/** Undefined when there is no such scale set. */
export async function findFleetStatus(
  arm: ArmClient,
  scaleSetId: string,
): Promise<FleetStatus | undefined> {
  const body = await arm.find(
    `${scaleSetId}/providers/Rollset.Fleet/status/current`,
    API_VERSIONS.fleet,
  );
  return body === undefined ? undefined : parseFleetStatus(body);
}
