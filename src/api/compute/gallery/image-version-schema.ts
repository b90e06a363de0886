// The wire body of Microsoft.Compute/galleries/images/versions.
import { z } from 'zod';

const storageAccountType = z.enum(['Standard_LRS', 'Standard_ZRS', 'Premium_LRS', 'PremiumV2_LRS']);

export const imageVersionSchema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  properties: z
    .looseObject({
      publishingProfile: z
        .looseObject({
          excludeFromLatest: z.boolean().default(false),
          replicaCount: z.int().min(1).max(100).default(1),
          storageAccountType: storageAccountType.default('Standard_LRS'),
          replicationMode: z.enum(['Full', 'Shallow']).default('Full'),
          endOfLifeDate: z.iso.datetime({ offset: true, local: true }).optional(),
          targetRegions: z
            .array(
              z.looseObject({
                name: z.string().min(1),
                regionalReplicaCount: z.int().min(1).max(100).default(1),
                storageAccountType: storageAccountType.default('Standard_LRS'),
                excludeFromLatest: z.boolean().default(false),
              }),
            )
            .optional(),
        })
        .prefault({}),
      storageProfile: z
        .looseObject({ source: z.looseObject({ id: z.string().optional() }).optional() })
        .optional(),
      safetyProfile: z
        .looseObject({
          allowDeletionOfReplicatedLocations: z.boolean().default(false),
          blockDeletionBeforeEndOfLife: z.boolean().optional(),
        })
        .prefault({}),
    })
    .prefault({}),
});
export type ImageVersionBody = z.infer<typeof imageVersionSchema>;
