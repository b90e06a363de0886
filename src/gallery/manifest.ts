// The manifest inside a version's row: read with a parser, written as plain JSON. Pure.
import { z } from 'zod';
import type { ImageManifest } from '../model/image.ts';
import type { JsonObject, ResourceRow } from '../model/resource.ts';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const manifestSchema = z.object({
  layers: z.array(z.object({ digest, sizeBytes: z.number().nonnegative() })).min(1),
  boot: z.object({ kernel: digest, modules: digest, release: z.string() }),
  osDiskSizeBytes: z.number().positive(),
});

/** Undefined when the row holds none: the version is not usable (yet). */
export function manifestOf(version: ResourceRow): ImageManifest | undefined {
  const parsed = manifestSchema.safeParse(version.internal['manifest']);
  return parsed.success ? parsed.data : undefined;
}

export function manifestToJson(manifest: ImageManifest): JsonObject {
  return {
    layers: manifest.layers.map(({ digest: each, sizeBytes }) => ({ digest: each, sizeBytes })),
    boot: { ...manifest.boot },
    osDiskSizeBytes: manifest.osDiskSizeBytes,
  };
}
