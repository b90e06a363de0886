// Microsoft.Compute/galleries/images: an image definition, what all its versions have in common.
import { z } from 'zod';
import type { JsonObject } from '../../../model/resource.ts';
import { ArmError, propertyChangeNotAllowed } from '../../arm/arm-error.ts';
import { defineResource } from '../../arm/declaration.ts';
import type { PrepareContext } from '../../arm/declaration.ts';
import { isObject } from '../../arm/merge.ts';
import { toJson } from '../../arm/put-resource.ts';
import { textAt, valueAt } from '../../arm/json-path.ts';
import { isOtherThan } from '../../arm/unsupported.ts';

const word = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(
      /^[A-Za-z0-9_.-]*[A-Za-z0-9_-]$/,
      "letters, digits, '-', '_' and '.', not ending in '.'",
    );

const schema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z.looseObject({
    identifier: z.looseObject({ publisher: word(128), offer: word(64), sku: word(64) }),
    osType: z.enum(['Linux', 'Windows']),
    osState: z.enum(['Generalized', 'Specialized']),
    hyperVGeneration: z.enum(['V1', 'V2']).optional(),
    architecture: z.enum(['x64', 'Arm64']).optional(),
  }),
});
type DefinitionBody = z.infer<typeof schema>;

/** Fixed when the definition is made: 409 PropertyChangeNotAllowed afterwards. */
const IMMUTABLE = [
  'identifier.publisher',
  'identifier.offer',
  'identifier.sku',
  'osType',
  'osState',
  'hyperVGeneration',
  'architecture',
  'eula',
];

export const imageDefinitionType = defineResource({
  type: 'Microsoft.Compute/galleries/images',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: {
    accepts: (name) => /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,78}[A-Za-z0-9])?$/.test(name),
    rule: "1 to 80 letters, digits, '_', '-' and '.', beginning and ending with a letter or digit",
    target: 'galleryImageName',
  },
  location: 'tracked',
  schema,
  put: 'sync',
  delete: 'sync',
  unsupported: [
    ['properties.osType', isOtherThan('Linux'), 'Guests are Linux.'],
    ['properties.osState', isOtherThan('Generalized'), 'Images are generalized.'],
    ['properties.architecture', isOtherThan('x64'), 'Guests are x64.'],
  ],
  async prepare(context: PrepareContext<DefinitionBody>) {
    const body = withGeneration(context);
    checkImmutable(context, body);
    await checkUniqueIdentifier(context);
    return { body };
  },
});

/** V1 when never said, as Azure did until api-version 2025-03-03: our machines boot by BIOS. */
function withGeneration({ body, existing }: PrepareContext<DefinitionBody>): JsonObject {
  const { properties } = body;
  const before = isObject(existing?.body.body['properties'])
    ? existing.body.body['properties']
    : undefined;
  const hyperVGeneration = properties.hyperVGeneration ?? before?.['hyperVGeneration'] ?? 'V1';
  const architecture = properties.architecture ?? before?.['architecture'] ?? 'x64';
  return toJson({ ...body, properties: { ...properties, hyperVGeneration, architecture } });
}

function checkImmutable({ existing }: PrepareContext<DefinitionBody>, body: JsonObject): void {
  if (existing === undefined) return;
  for (const path of IMMUTABLE) {
    const before = valueAt(existing.body.body, `properties.${path}`);
    const after = valueAt(body, `properties.${path}`);
    if (before === after) continue;
    throw propertyChangeNotAllowed(`galleryImage.properties.${path}`);
  }
}

async function checkUniqueIdentifier(context: PrepareContext<DefinitionBody>): Promise<void> {
  const { store, parent, existing, name } = context;
  if (existing !== undefined || parent === undefined) return;
  const { publisher, offer, sku } = context.body.properties.identifier;
  const wanted = [publisher, offer, sku].join('/').toLowerCase();
  const siblings = await store.list('resource', {
    parent: parent.key,
    type: 'microsoft.compute/galleries/images',
  });
  const taken = siblings.find(({ body }) => identifierOf(body.body) === wanted);
  if (taken === undefined) return;
  throw new ArmError(
    409,
    'Conflict',
    `The image definition '${name}' cannot have publisher '${publisher}', offer '${offer}' and sku '${sku}': '${taken.body.name}' of this gallery has them. Choose another combination.`,
    { target: 'galleryImage.properties.identifier' },
  );
}

function identifierOf(body: JsonObject): string {
  const parts = ['publisher', 'offer', 'sku'].map((part) =>
    textAt(body, `properties.identifier.${part}`),
  );
  return parts.join('/').toLowerCase();
}
