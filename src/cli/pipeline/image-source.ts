// What a bake starts from: the pipeline's base, or an earlier version of the same image. Pure.
import { parseGalleryImageId } from '../../model/gallery-image-id.ts';
import { CommandFailure } from '../failure.ts';

export type ImageSource =
  | {
      readonly kind: 'platform';
      readonly publisher: string;
      readonly offer: string;
      readonly sku: string;
      readonly version: string;
    }
  | { readonly kind: 'version'; readonly imageVersionId: string };

/** Short names of platform images, with Azure's own parts. V1: what `pc` (BIOS) boots too. */
const ALIASES: Readonly<Record<string, ImageSource>> = {
  'debian-12': {
    kind: 'platform',
    publisher: 'Debian',
    offer: 'debian-12',
    sku: '12',
    version: 'latest',
  },
};

/** Reads `image.base`; throws CommandFailure for anything that names no image. */
export function parseBase(base: string, fileName: string): ImageSource {
  const alias = ALIASES[base];
  if (alias !== undefined) return alias;
  if (base.startsWith('/')) {
    const reference = parseGalleryImageId(base);
    if (reference !== undefined) {
      const { definitionId, version = 'latest' } = reference;
      return { kind: 'version', imageVersionId: `${definitionId}/versions/${version}` };
    }
  }
  const [publisher, offer, sku, version, ...rest] = base.split(':');
  if (publisher && offer && sku && version && rest.length === 0) {
    return { kind: 'platform', publisher, offer, sku, version };
  }
  throw new CommandFailure(
    `${fileName}: image.base: "${base}" names no image: use ${Object.keys(ALIASES).join(', ')}, publisher:offer:sku:version, or the id of a gallery image`,
  );
}
