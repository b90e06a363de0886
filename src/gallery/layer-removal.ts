// Decides which image layers nobody needs any more. Pure.
import type { Digest, ImageManifest } from '../model/image.ts';

export type LayerUse = {
  /** Who uses the image, for people: `guestbook 1.0.0`, `guestbook_3`. */
  readonly by: string;
  readonly image: ImageManifest;
};

export type LayerView = {
  readonly layers: readonly {
    readonly digest: Digest;
    readonly sizeBytes: number;
    /** Of a base image: kept although no version may stand on it, because it is costly to make. */
    readonly base: boolean;
  }[];
  /** Versions, OS disks of instances (current and previous), targets of running upgrades. */
  readonly uses: readonly LayerUse[];
  /** Runs that read or make layers right now; what they make is in no row yet. */
  readonly holds: number;
};

export type LayerRemoval =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'wait'; readonly sentence: string }
  | { readonly kind: 'remove'; readonly digests: readonly Digest[]; readonly sizeBytes: number };

export function planLayerRemoval(view: LayerView): LayerRemoval {
  const used = new Set(view.uses.flatMap(({ image }) => image.layers.map((layer) => layer.digest)));
  const unused = view.layers.filter(({ digest, base }) => !base && !used.has(digest));
  if (unused.length === 0) return { kind: 'nothing' };
  if (view.holds > 0) {
    return {
      kind: 'wait',
      sentence: `${unused.length} layer(s) look unused, but ${view.holds} image run(s) may be making them: waiting for the end of the run(s).`,
    };
  }
  return {
    kind: 'remove',
    digests: unused.map(({ digest }) => digest),
    sizeBytes: unused.reduce((sum, layer) => sum + layer.sizeBytes, 0),
  };
}
