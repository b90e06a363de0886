// Ids of gallery image definitions and versions, as scale sets and templates refer to them. Pure.
import { parseImageVersion } from '../../../model/image-version.ts';
import { asResourceId, parseResourceId } from '../../../model/resource-id.ts';
import type { ResourceId } from '../../../model/resource-id.ts';

export type GalleryImageReference = {
  readonly definitionId: ResourceId;
  /** Absent: the latest one. `…/versions/latest` is read so too, as the service does. */
  readonly version?: string;
};

/** Undefined when `id` names neither a definition nor a well-formed version of one. */
export function parseGalleryImageId(id: string): GalleryImageReference | undefined {
  const parsed = parseResourceId(id);
  if (parsed?.namespace?.toLowerCase() !== 'microsoft.compute') return undefined;
  const types = parsed.types.join('/').toLowerCase();
  if (types === 'galleries/images') return { definitionId: asResourceId(id.replace(/\/+$/, '')) };
  if (types !== 'galleries/images/versions') return undefined;
  const definitionId = asResourceId(id.replace(/\/+[^/]+\/+[^/]+\/*$/, ''));
  const version = parsed.names[2] ?? '';
  if (version.toLowerCase() === 'latest') return { definitionId };
  return parseImageVersion(version) === undefined ? undefined : { definitionId, version };
}
