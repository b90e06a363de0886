// An image template as the runner understands it, made from its row. Pure.
//
// Azure reports what is wrong with a template as `provisioningError`, with a code of a fixed list:
// a TemplateError carries one of them (reference: Azure VM Image Builder, provisioningErrorCode).
import { z } from 'zod';
import { parseGalleryImageId } from '../model/gallery-image-id.ts';
import type { ResourceId } from '../model/resource-id.ts';
import { locationOf } from '../model/location.ts';
import type { ResourceRow } from '../model/resource.ts';
import { findVmSize } from '../model/vm-sizes.ts';
import { compileCustomizers, compileValidators, type GuestStep } from './customizers.ts';
import { type DistributeTarget, parseDistribute } from './distribute.ts';
import { BUILD_TIMEOUT_DEFAULT_MINUTES, BUILD_VM_DEFAULT } from './limits.ts';
import { platformImageAlias } from './platform-images.ts';
import { TemplateError } from './template-error.ts';

export type TemplateSource =
  /** A base image by the engine's name for it, e.g. `debian-12`. */
  | { readonly kind: 'base'; readonly alias: string }
  /** Without a version: the latest in the template's location when the run starts. */
  | { readonly kind: 'version'; readonly definitionId: ResourceId; readonly version?: string };

export type ImageTemplate = {
  readonly id: ResourceId;
  readonly name: string;
  readonly location: string;
  readonly source: TemplateSource;
  readonly customize: readonly GuestStep[];
  readonly validate: readonly GuestStep[];
  readonly continueDistributeOnFailure: boolean;
  readonly distribute: readonly DistributeTarget[];
  readonly buildTimeoutMs: number;
  readonly vCPUs: number;
  readonly memoryMib: number;
};

const step = z.looseObject({ type: z.string() });
const propertiesSchema = z.looseObject({
  source: z.looseObject({ type: z.string() }),
  customize: z.array(step).nullish(),
  validate: z
    .looseObject({
      inVMValidations: z.array(step).nullish(),
      continueDistributeOnFailure: z.boolean().nullish(),
      sourceValidationOnly: z.boolean().nullish(),
    })
    .nullish(),
  distribute: z.array(z.looseObject({ type: z.string() })).min(1),
  buildTimeoutInMinutes: z.number().int().min(0).max(960).nullish(),
  errorHandling: z
    .looseObject({
      onCustomizerError: z.string().nullish(),
      onValidationError: z.string().nullish(),
    })
    .nullish(),
  vmProfile: z
    .looseObject({ vmSize: z.string().nullish(), osDiskSizeGB: z.number().nullish() })
    .nullish(),
});
type Properties = z.infer<typeof propertiesSchema>;

/** Throws TemplateError for what Azure would refuse and for what cannot be honoured here. */
export function parseImageTemplate(row: ResourceRow): ImageTemplate {
  const parsed = propertiesSchema.safeParse(row.body['properties']);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const field = ['properties', ...(issue?.path ?? [])].join('.');
    throw new TemplateError('Other', `ImageTemplate.${field}: ${issue?.message ?? 'bad value'}.`);
  }
  const properties = parsed.data;
  refuseUnsupported(properties);
  return {
    id: row.id,
    name: row.name,
    location: locationOf(row),
    source: parseSource(properties.source),
    customize: compileCustomizers(properties.customize ?? []),
    validate: compileValidators(properties.validate?.inVMValidations ?? []),
    continueDistributeOnFailure: properties.validate?.continueDistributeOnFailure ?? false,
    distribute: properties.distribute.map(parseDistribute),
    buildTimeoutMs: (properties.buildTimeoutInMinutes || BUILD_TIMEOUT_DEFAULT_MINUTES) * 60 * 1000,
    ...buildVmOf(row, properties),
  };
}

function refuseUnsupported(properties: Properties): void {
  if (properties.validate?.sourceValidationOnly === true) {
    throw new TemplateError('Other', 'validate.sourceValidationOnly is not supported yet.');
  }
  const { onCustomizerError, onValidationError } = properties.errorHandling ?? {};
  if (onCustomizerError === 'abort' || onValidationError === 'abort') {
    throw new TemplateError(
      'Other',
      'errorHandling "abort" (keep the build VM) is not supported yet: use "cleanup"; the log says what the step printed.',
    );
  }
  if ((properties.vmProfile?.osDiskSizeGB ?? 0) > 0) {
    throw new TemplateError(
      'Other',
      'vmProfile.osDiskSizeGB is not supported yet: leave it out, the image keeps the size of its source.',
    );
  }
}

const sourceSchemas = {
  PlatformImage: z.looseObject({
    publisher: z.string().min(1),
    offer: z.string().min(1),
    sku: z.string().min(1),
    version: z.string().min(1),
  }),
  SharedImageVersion: z.looseObject({ imageVersionId: z.string() }),
};

function parseSource(source: { type: string }): TemplateSource {
  if (source.type === 'PlatformImage') {
    const image = sourceSchemas.PlatformImage.safeParse(source);
    if (!image.success) {
      throw new TemplateError(
        'BadPIRSource',
        'source of type PlatformImage needs publisher, offer, sku and version.',
      );
    }
    return { kind: 'base', alias: platformImageAlias(image.data) };
  }
  if (source.type === 'SharedImageVersion') {
    const fields = sourceSchemas.SharedImageVersion.safeParse(source);
    const id = fields.success ? fields.data.imageVersionId : '';
    const reference = parseGalleryImageId(id);
    if (reference === undefined) {
      throw new TemplateError(
        'BadSharedImageVersionSource',
        `source.imageVersionId "${id}" is not the id of a gallery image version (…/versions/1.2.3 or …/versions/latest).`,
      );
    }
    const { definitionId, version } = reference;
    return { kind: 'version', definitionId, ...(version === undefined ? {} : { version }) };
  }
  if (source.type === 'ManagedImage') {
    throw new TemplateError(
      'BadManagedImageSource',
      'source of type ManagedImage is not supported yet: use a PlatformImage or a gallery image version.',
    );
  }
  throw new TemplateError('BadSourceType', `source.type "${source.type}" is not known.`);
}

/** The tag is ours: a build VM smaller or larger than Azure's size of that name. */
function buildVmOf(row: ResourceRow, properties: Properties): { vCPUs: number; memoryMib: number } {
  const name = properties.vmProfile?.vmSize ?? '';
  const size = name === '' ? BUILD_VM_DEFAULT : findVmSize(name);
  if (size === undefined) {
    throw new TemplateError('Other', `vmProfile.vmSize "${name}" is not a size known here.`);
  }
  const tags = row.body['tags'];
  const tag =
    typeof tags === 'object' && tags !== null && !Array.isArray(tags)
      ? Number(tags['rollset:memoryMiB'])
      : Number.NaN;
  return Number.isInteger(tag) && tag > 0 ? { ...size, memoryMib: tag } : size;
}
