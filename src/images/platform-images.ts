// Which base image stands for which Azure platform image. Pure.
//
// Source: publisher, offer and sku of the Debian project's images in Azure's marketplace.

export type PlatformImage = {
  readonly publisher: string;
  readonly offer: string;
  readonly sku: string;
  readonly version: string;
};

type Entry = {
  readonly alias: string;
  readonly publisher: string;
  readonly offer: string;
  readonly skus: readonly string[];
};

/** gen2 boots by UEFI on Azure; the same file system stands for both here. */
export const PLATFORM_IMAGES: readonly Entry[] = [
  { alias: 'debian-12', publisher: 'Debian', offer: 'debian-12', skus: ['12', '12-gen2'] },
];

/**
 * The engine's name of the base image: `debian-12` for Debian's platform image, else the four parts
 * joined by colons, for the engine to know or to refuse with the list of what it has. Of the Debian
 * aliases only `latest` is known: older builds cannot be made again.
 */
export function platformImageAlias(image: PlatformImage): string {
  const { publisher, offer, sku, version } = image;
  const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();
  const entry = PLATFORM_IMAGES.find(
    (each) =>
      same(each.publisher, publisher) &&
      same(each.offer, offer) &&
      each.skus.some((known) => same(known, sku)) &&
      same(version, 'latest'),
  );
  return entry?.alias ?? [publisher, offer, sku, version].join(':');
}
