// What a bootable image is made of, as the gallery stores it and an engine starts it.

/** `sha256:<64 hex>` of the file's bytes. */
export type Digest = string;

export type ImageLayer = { readonly digest: Digest; readonly sizeBytes: number };

/**
 * The content of one image version: a chain of immutable layers and what boots them. Stored beside
 * the layers as one manifest per version, and inside the version's row.
 */
export type ImageManifest = {
  /** Base first, top last; an OS disk is a fresh overlay over the last. */
  readonly layers: readonly ImageLayer[];
  /** Kernel and driver archive for the fast guest profile, by content. */
  readonly boot: { readonly kernel: Digest; readonly modules: Digest; readonly release: string };
  readonly osDiskSizeBytes: number;
};
