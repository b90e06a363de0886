// The wire body of Microsoft.VirtualMachineImages/imageTemplates, as far as it is looked into here.
// What a source, a customizer or a target means is judged by the image builder at submission.
import { z } from 'zod';

const checksum = z
  .string()
  .regex(/^([0-9a-f]{64})?$/, 'expected 64 lower-case hex digits')
  .optional();
const name = z.string().optional();

const shell = z.looseObject({
  type: z.literal('Shell'),
  name,
  inline: z.array(z.string()).optional(),
  scriptUri: z.string().optional(),
  sha256Checksum: checksum,
});
const file = z.looseObject({
  type: z.literal('File'),
  name,
  sourceUri: z.string().min(1),
  destination: z.string().regex(/^\/.*[^/]$/, 'expected the absolute path of a file'),
  sha256Checksum: checksum,
});
const step = z.discriminatedUnion('type', [shell, file]);
export type Step = z.infer<typeof step>;

const source = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('PlatformImage'),
    publisher: z.string().min(1),
    offer: z.string().min(1),
    sku: z.string().min(1),
    version: z.string().min(1).default('latest'),
  }),
  z.looseObject({ type: z.literal('SharedImageVersion'), imageVersionId: z.string().min(1) }),
]);

const distribute = z.looseObject({
  type: z.literal('SharedImage'),
  runOutputName: z
    .string()
    .regex(/^[A-Za-z0-9-_.]{1,64}$/, "expected 1 to 64 letters, digits, '-', '_' and '.'"),
  galleryImageId: z.string().min(1),
  artifactTags: z.record(z.string(), z.string()).optional(),
  excludeFromLatest: z.boolean().default(false),
  replicationMode: z.enum(['Full', 'Shallow']).default('Full'),
  replicationRegions: z.array(z.string()).optional(),
  targetRegions: z
    .array(
      z.looseObject({
        name: z.string().min(1),
        replicaCount: z.int().min(1).default(1),
        storageAccountType: z
          .enum(['Standard_LRS', 'Standard_ZRS', 'Premium_LRS'])
          .default('Standard_LRS'),
      }),
    )
    .optional(),
});

export const imageTemplateSchema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  identity: z.looseObject({ type: z.enum(['UserAssigned', 'None']) }).optional(),
  properties: z.looseObject({
    source,
    customize: z.array(step).optional(),
    validate: z
      .looseObject({
        inVMValidations: z.array(step).optional(),
        continueDistributeOnFailure: z.boolean().default(false),
        sourceValidationOnly: z.boolean().default(false),
      })
      .optional(),
    distribute: z.array(distribute).min(1),
    buildTimeoutInMinutes: z.int().min(0).max(960).default(0),
    vmProfile: z
      .looseObject({ vmSize: z.string().optional(), osDiskSizeGB: z.int().min(0).optional() })
      .prefault({}),
  }),
});
export type ImageTemplateBody = z.infer<typeof imageTemplateSchema>;
