// The wire body of Microsoft.Compute/virtualMachineScaleSets: validator, defaults and type in one.
//
// Ranges and defaults are Azure's (arm-compute 2026-03-01). Fields that we only store and return
// are not listed: the objects are loose and keep them. Rules over several fields: rules.ts.
import { z } from 'zod';
import { parseIsoDuration } from '../../arm/iso-duration.ts';

const reference = z.looseObject({ id: z.string().min(1) });

export const isoDuration = z
  .string()
  .refine((text) => parseIsoDuration(text) !== undefined, 'expected an ISO 8601 duration as PT30S');

export const rollingUpgradePolicySchema = z.looseObject({
  maxBatchInstancePercent: z.int().min(5).max(100).default(20),
  maxUnhealthyInstancePercent: z.int().min(5).max(100).default(20),
  maxUnhealthyUpgradedInstancePercent: z.int().min(0).max(100).default(20),
  pauseTimeBetweenBatches: isoDuration.default('PT0S'),
  prioritizeUnhealthyInstances: z.boolean().default(false),
});

const upgradePolicySchema = z.looseObject({
  mode: z.enum(['Manual', 'Automatic', 'Rolling']).default('Manual'),
  rollingUpgradePolicy: rollingUpgradePolicySchema.optional(),
  automaticOSUpgradePolicy: z
    .looseObject({
      enableAutomaticOSUpgrade: z.boolean().default(false),
      disableAutomaticRollback: z.boolean().default(false),
      useRollingUpgradePolicy: z.boolean().default(false),
    })
    .optional(),
});

const imageReferenceSchema = z.looseObject({
  id: z.string().optional(),
  publisher: z.string().optional(),
  offer: z.string().optional(),
  sku: z.string().optional(),
  version: z.string().optional(),
  sharedGalleryImageId: z.string().optional(),
  communityGalleryImageId: z.string().optional(),
});

const storageProfileSchema = z.looseObject({
  imageReference: imageReferenceSchema.optional(),
  osDisk: z
    .looseObject({
      createOption: z.string().default('FromImage'),
      osType: z.string().optional(),
      diskSizeGB: z.int().optional(),
    })
    .prefault({}),
  dataDisks: z
    .array(
      z.looseObject({
        lun: z.int().min(0).max(63),
        createOption: z.string().default('Empty'),
        diskSizeGB: z.int().min(1).max(32_767),
      }),
    )
    .max(64)
    .default([]),
});

const osProfileSchema = z.looseObject({
  computerNamePrefix: z.string().min(1).max(15).optional(),
  adminUsername: z.string().min(1).max(64).optional(),
  adminPassword: z.string().optional(),
  customData: z.string().optional(),
  linuxConfiguration: z
    .looseObject({
      disablePasswordAuthentication: z.boolean().optional(),
      ssh: z
        .looseObject({
          publicKeys: z
            .array(z.looseObject({ path: z.string().optional(), keyData: z.string().min(1) }))
            .default([]),
        })
        .optional(),
    })
    .optional(),
});

const ipConfigurationSchema = z.looseObject({
  name: z.string().min(1),
  properties: z
    .looseObject({
      subnet: reference.optional(),
      primary: z.boolean().optional(),
      loadBalancerBackendAddressPools: z.array(reference).default([]),
    })
    .prefault({}),
});

const networkProfileSchema = z.looseObject({
  healthProbe: reference.optional(),
  networkInterfaceConfigurations: z
    .array(
      z.looseObject({
        name: z.string().min(1),
        properties: z
          .looseObject({
            primary: z.boolean().optional(),
            ipConfigurations: z.array(ipConfigurationSchema).default([]),
          })
          .prefault({}),
      }),
    )
    .default([]),
});

export const extensionSchema = z.looseObject({
  name: z.string().min(1),
  properties: z.looseObject({
    publisher: z.string(),
    type: z.string(),
    typeHandlerVersion: z.string().optional(),
    settings: z.looseObject({}).optional(),
  }),
});

/** Settings of `ApplicationHealthLinux` 1.0 (azure-docs, health-extension page). */
export const healthSettingsSchema = z.looseObject({
  protocol: z.enum(['http', 'https', 'tcp']),
  port: z.int().min(1).max(65_535).optional(),
  requestPath: z.string().optional(),
  intervalInSeconds: z.int().min(5).max(60).default(5),
  numberOfProbes: z.int().min(1).max(24).default(1),
});

export const scaleSetSchema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  sku: z.looseObject({
    name: z.string().min(1),
    tier: z.string().default('Standard'),
    capacity: z.int().min(0).max(1000),
  }),
  properties: z.looseObject({
    orchestrationMode: z.string().default('Uniform'),
    overprovision: z.boolean().default(false),
    singlePlacementGroup: z.boolean().optional(),
    platformFaultDomainCount: z.int().optional(),
    upgradePolicy: upgradePolicySchema.prefault({}),
    virtualMachineProfile: z.looseObject({
      storageProfile: storageProfileSchema,
      osProfile: osProfileSchema.prefault({}),
      networkProfile: networkProfileSchema.prefault({}),
      extensionProfile: z
        .looseObject({ extensions: z.array(extensionSchema).default([]) })
        .optional(),
    }),
  }),
});
export type ScaleSetBody = z.infer<typeof scaleSetSchema>;
