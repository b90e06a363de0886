// Image layers of the simulated host: names without bytes. Pure.
import { createHash } from 'node:crypto';
import type { Digest, ImageManifest } from '../../model/image.ts';
import type { StoredLayer } from '../engine.ts';
import { BASE_LAYER_BYTES, CAPTURED_LAYER_BYTES, OS_DISK_BYTES } from './limits.ts';
import type { SimulatedOsDisk } from './vm.ts';

/** What a person may name a base: an alias, an imported image, or publisher:offer:sku:version. */
export function baseImage(alias: string): ImageManifest {
  return {
    layers: [{ digest: digestOf('base', alias), sizeBytes: BASE_LAYER_BYTES }],
    boot: {
      kernel: digestOf('kernel', alias),
      modules: digestOf('modules', alias),
      release: '6.1.0-simulated',
    },
    osDiskSizeBytes: OS_DISK_BYTES,
  };
}

/** The same steps on the same source give the same layer, as content addressing promises. */
export function capturedImage(disk: SimulatedOsDisk): ImageManifest {
  const layer = { digest: digestOf('layer', disk.content), sizeBytes: CAPTURED_LAYER_BYTES };
  return { ...disk.image, layers: [...disk.image.layers, layer] };
}

/** The content of a fresh overlay: the image's layers and nothing more. */
export function freshContent(image: ImageManifest): Digest {
  return digestOf('image', ...image.layers.map(({ digest }) => digest));
}

export function changedContent(content: Digest, ...change: string[]): Digest {
  return digestOf('change', content, ...change);
}

export function withLayers(
  layers: readonly StoredLayer[],
  image: ImageManifest,
  base: boolean,
): StoredLayer[] {
  const known = new Set(layers.map(({ digest }) => digest));
  const fresh = image.layers.filter(({ digest }) => !known.has(digest));
  return [...layers, ...fresh.map((layer) => ({ ...layer, base }))];
}

function digestOf(...parts: readonly string[]): Digest {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${part.length}:${part}`);
  return `sha256:${hash.digest('hex')}`;
}
