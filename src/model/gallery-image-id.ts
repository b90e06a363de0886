// Ids of gallery image definitions and versions, as scale sets, templates and versions refer to
// them. Pure.
import { parseImageVersion } from './image-version.ts';
import { asResourceId, childId, parseResourceId } from './resource-id.ts';
import type { ResourceId } from './resource-id.ts';

export type GalleryImageReference = {
  readonly definitionId: ResourceId;
  readonly gallery: string;
  readonly definition: string;
  /** Absent: the latest one. `…/versions/latest` is read so too, as the service does. */
  readonly version?: string;
};

/** Undefined when `id` names neither a definition nor a well-formed version of one. */
export function parseGalleryImageId(id: string): GalleryImageReference | undefined {
  const parsed = parseResourceId(id);
  if (parsed?.namespace?.toLowerCase() !== 'microsoft.compute') return undefined;
  const [gallery = '', definition = '', version = ''] = parsed.names;
  const types = parsed.types.join('/').toLowerCase();
  if (types === 'galleries/images') {
    return { definitionId: asResourceId(id.replace(/\/+$/, '')), gallery, definition };
  }
  if (types !== 'galleries/images/versions') return undefined;
  const definitionId = asResourceId(id.replace(/\/+[^/]+\/+[^/]+\/*$/, ''));
  if (version.toLowerCase() === 'latest') return { definitionId, gallery, definition };
  if (parseImageVersion(version) === undefined) return undefined;
  return { definitionId, gallery, definition, version };
}

export function imageVersionId(definitionId: string, version: string): ResourceId {
  return childId(definitionId, 'versions', version);
}
