// Where a template's image goes: its distribute entries, parsed. Pure.
import { z } from 'zod';
import { parseGalleryImageId } from '../model/gallery-image-id.ts';
import type { ResourceId } from '../model/resource-id.ts';
import { TemplateError } from './template-error.ts';

/** One distribute entry of type SharedImage. */
export type DistributeTarget = {
  readonly runOutputName: string;
  readonly definitionId: ResourceId;
  /** Absent: the highest of the definition (or of its `major`) plus one patch. */
  readonly version?: string;
  readonly major?: number;
  readonly targetRegions: readonly {
    readonly name: string;
    readonly replicaCount: number;
    readonly storageAccountType: string;
  }[];
  readonly excludeFromLatest: boolean;
  readonly replicationMode: 'Full' | 'Shallow';
  readonly artifactTags: Readonly<Record<string, string>>;
};

const regionSchema = z.looseObject({
  name: z.string().min(1),
  replicaCount: z.number().int().min(1).nullish(),
  storageAccountType: z.string().nullish(),
});
const sharedImageSchema = z.looseObject({
  runOutputName: z.string().regex(/^[A-Za-z0-9-_.]{1,64}$/),
  galleryImageId: z.string(),
  targetRegions: z.array(regionSchema).nullish(),
  replicationRegions: z.array(z.string()).nullish(),
  excludeFromLatest: z.boolean().nullish(),
  replicationMode: z.enum(['Full', 'Shallow']).nullish(),
  versioning: z
    .looseObject({ scheme: z.string(), major: z.number().int().min(-1).nullish() })
    .nullish(),
  artifactTags: z.record(z.string(), z.string()).nullish(),
});

/** Throws TemplateError. */
export function parseDistribute(target: { type: string }, index: number): DistributeTarget {
  const path = `ImageTemplate.properties.distribute[${index}]`;
  if (target.type === 'ManagedImage' || target.type === 'VHD') {
    throw new TemplateError(
      'BadDistributeType',
      `${path}: type ${target.type} is not supported yet: distribute to a SharedImage (a gallery).`,
    );
  }
  if (target.type !== 'SharedImage') {
    throw new TemplateError('BadDistributeType', `${path}: type "${target.type}" is not known.`);
  }
  const parsed = sharedImageSchema.safeParse(target);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = issue?.path.join('.') ?? '';
    throw badSharedImage(`${path}: field ${field} has a bad value (${issue?.message ?? ''}).`);
  }
  return toTarget(parsed.data, path);
}

function toTarget(shared: z.infer<typeof sharedImageSchema>, path: string): DistributeTarget {
  const reference = parseGalleryImageId(shared.galleryImageId);
  if (reference === undefined) {
    throw badSharedImage(
      `${path}: galleryImageId "${shared.galleryImageId}" is neither an image definition's id nor …/versions/major.minor.patch.`,
    );
  }
  const { scheme = 'Latest', major } = shared.versioning ?? {};
  if (scheme !== 'Latest') {
    throw badSharedImage(`${path}: versioning.scheme ${scheme} is not supported yet: use Latest.`);
  }
  // replicationRegions is what targetRegions was called before 2022-07-01.
  const regions: z.infer<typeof regionSchema>[] =
    shared.targetRegions ?? (shared.replicationRegions ?? []).map((name) => ({ name }));
  return {
    runOutputName: shared.runOutputName,
    definitionId: reference.definitionId,
    ...(reference.version === undefined ? {} : { version: reference.version }),
    // Azure's -1 means unset.
    ...(typeof major === 'number' && major >= 0 ? { major } : {}),
    targetRegions: regions.map((region) => ({
      name: region.name,
      replicaCount: region.replicaCount ?? 1,
      storageAccountType: region.storageAccountType ?? 'Standard_LRS',
    })),
    excludeFromLatest: shared.excludeFromLatest ?? false,
    replicationMode: shared.replicationMode ?? 'Full',
    artifactTags: shared.artifactTags ?? {},
  };
}

function badSharedImage(message: string): TemplateError {
  return new TemplateError('BadSharedImageDistribute', message);
}
