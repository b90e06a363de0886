// The pipeline file's keys: validator, conversion of units, and source of the JSON Schema. Pure.
//
// Every object is strict: a key that is not known is an error with a suggestion (problems.ts).
import { z } from 'zod';
import { duration, path, percent, quantity } from './quantity.ts';
import { stepSchema } from './step-schema.ts';

/** Keys that design promises for later: refused by name, so that nobody believes they work. */
export const NOT_EVALUATED_YET: Readonly<Record<string, string>> = {
  'fleet.scaleOut': 'autoscale rules',
  'fleet.scaleIn': 'autoscale rules',
  'rollout.canary': 'canary roll-outs',
  'rollout.window': 'maintenance windows',
  'rollout.surge': 'surge roll-outs',
};

const port = z.int().min(1).max(65_535);

const imageSchema = z.strictObject({
  base: z
    .string()
    .min(1)
    .meta({
      description: 'debian-12, publisher:offer:sku:version, or the id of a gallery image.',
      examples: ['debian-12'],
    }),
  customize: z.array(stepSchema).default([]),
  validate: z.array(stepSchema).default([]).meta({
    description: 'Steps run in a fresh VM started from the finished image.',
  }),
  timeout: duration(
    360_000,
    57_600_000,
    'The whole bake may take this long; 4h when absent.',
  ).optional(),
});

const healthSchema = z
  .strictObject({
    protocol: z.enum(['http', 'https', 'tcp']).optional(),
    path: z.string().regex(/^\//, 'does not begin with /').optional(),
    port: port.optional().meta({ description: 'fleet.port when absent.' }),
    interval: duration(5000, 60_000, 'Time between two probes.').optional(),
    probes: z
      .int()
      .min(1)
      .max(24)
      .optional()
      .meta({ description: 'Equal results in a row that change the state.' }),
  })
  .superRefine((health, context) => {
    const { protocol, path: probePath } = health;
    if (protocol === 'tcp' && probePath !== undefined) {
      context.addIssue({ code: 'custom', message: 'a tcp probe has no path', path: ['path'] });
    }
    if (protocol !== 'tcp' && probePath === undefined) {
      const message = 'needs path:, e.g. path: /healthz, or protocol: tcp';
      context.addIssue({ code: 'custom', message });
    }
  });

const instances = z
  .int({
    error: (issue) =>
      typeof issue.input === 'object' && issue.input !== null
        ? '{ min, max, … } (autoscale) is not evaluated yet: give a number of instances'
        : undefined,
  })
  .min(0)
  .max(1000);

const diskSize = quantity('size', 'Whole GiB.', {
  min: 1024,
  max: 32_767 * 1024,
  show: (mib) => `${mib / 1024}GiB`,
}).refine((mib) => mib % 1024 === 0, 'is not a whole number of GiB');

const dataDiskSchema = z.strictObject({
  lun: z.int().min(0).max(63),
  size: diskSize,
  mount: z
    .string()
    .regex(/^\/[A-Za-z0-9_./-]+[A-Za-z0-9_-]$/, 'is not an absolute path of plain characters')
    .optional()
    .meta({ description: 'Formatted once (ext4) and mounted here.' }),
});

const fleetSchema = z.strictObject({
  instances: instances.meta({ description: 'How many VMs.' }),
  vmSize: z.string().default('Standard_B1s').meta({ description: "One of Azure's VM sizes." }),
  port: port.optional().meta({ description: "The app's port, served by the load balancer." }),
  health: healthSchema.meta({ description: 'What says whether an instance works.' }),
  dataDisks: z.array(dataDiskSchema).max(64).default([]),
  environment: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is not a name of an environment variable'),
      z.union([z.string(), z.number(), z.boolean()]).transform(String),
    )
    .default({})
    .meta({ description: 'Lines of /etc/rollset/environment in each VM.' }),
  customData: z
    .union([z.string(), z.strictObject({ file: path('Relative to this file.') })])
    .optional()
    .meta({ description: 'A #! script run once per OS disk, #cloud-config, or any text.' }),
  adminUsername: z
    .string()
    .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'is not a Linux user name')
    .optional(),
  adminSshKey: z.string().min(1).optional().meta({
    description: 'A public key, or the path of one relative to this file.',
  }),
});

const rolloutSchema = z.strictObject({
  batch: percent(5, 'Share of the fleet upgraded at once, at least one VM.').optional(),
  maxUnhealthy: percent(5, 'More than this of the fleet unhealthy stops the roll-out.').optional(),
  maxUnhealthyUpgraded: percent(0, 'The same for the VMs upgraded so far.').optional(),
  pause: duration(0, 86_400_000, 'Between two batches.').optional(),
  healthTimeout: duration(5000, 7_200_000, 'A new OS disk must be Healthy in this time.').default(
    300_000,
  ),
  drain: duration(0, 3_600_000, 'Open connections may take this long to finish.').default(30_000),
  rollback: z.boolean().default(true).meta({
    description: 'Put the previous OS disk back where the new one is not healthy.',
  }),
});

const targetsSchema = z.strictObject({
  local: z
    .strictObject({
      resourceGroup: z.string().min(1).max(90).optional(),
      memory: quantity('size', 'Memory of each VM, instead of what vmSize has.', {
        min: 128,
        max: 65_536,
        show: (mib) => `${mib}MiB`,
      }).optional(),
    })
    .optional(),
  azure: z
    .strictObject({
      subscription: z.guid(),
      resourceGroup: z.string().min(1).max(90).optional(),
      identity: z.string().startsWith('/').optional().meta({
        description: 'Id of the user-assigned identity Image Builder works with.',
      }),
    })
    .optional(),
});

export const pipelineSchema = z
  .strictObject({
    name: z
      .string()
      .regex(
        /^[a-z][a-z0-9-]{0,28}[a-z0-9]$/,
        'is not a name: 2 to 30 lower-case letters, digits and hyphens, beginning with a letter',
      )
      .meta({ description: 'Resource names derive from it.' }),
    location: z
      .string()
      .min(1)
      .meta({ description: 'An Azure location.', examples: ['westeurope'] }),
    app: z
      .strictObject({ source: path("The app's folder, relative to this file.").default('.') })
      .prefault({}),
    image: imageSchema,
    fleet: fleetSchema,
    rollout: rolloutSchema.prefault({}),
    targets: targetsSchema.prefault({}),
  })
  .superRefine((pipeline, context) => {
    for (const { path: at, message } of crossFieldProblems(pipeline)) {
      context.addIssue({ code: 'custom', path: at, message });
    }
  });

/** The file as it is after conversion: durations in ms, sizes in MiB, percents as numbers. */
export type PipelineFile = z.output<typeof pipelineSchema>;
export type PipelineStep = PipelineFile['image']['customize'][number];

type CrossChecked = {
  readonly fleet: Pick<PipelineFile['fleet'], 'health' | 'port' | 'dataDisks'>;
  readonly rollout: Pick<PipelineFile['rollout'], 'batch' | 'maxUnhealthy'>;
};

/** Of both percents, when the file gives none: the service's. */
const DEFAULT_PERCENT = 20;

function crossFieldProblems({ fleet, rollout }: CrossChecked) {
  const problems: { path: (string | number)[]; message: string }[] = [];
  if (fleet.health.port === undefined && fleet.port === undefined) {
    problems.push({ path: ['fleet', 'health'], message: 'needs a port: give fleet.port or port:' });
  }
  const { batch = DEFAULT_PERCENT, maxUnhealthy = DEFAULT_PERCENT } = rollout;
  if (batch > maxUnhealthy) {
    problems.push({
      path: ['rollout', 'batch'],
      message: `${batch}% is more than rollout.maxUnhealthy ${maxUnhealthy}%, so every batch would stop the roll-out`,
    });
  }
  for (const key of ['lun', 'mount'] as const) {
    const seen = new Map<string | number, number>();
    for (const [index, disk] of fleet.dataDisks.entries()) {
      const value = disk[key];
      if (value === undefined) continue;
      const first = seen.get(value);
      if (first === undefined) seen.set(value, index);
      else {
        const message = `${value} is taken by fleet.dataDisks[${first}] already`;
        problems.push({ path: ['fleet', 'dataDisks', index, key], message });
      }
    }
  }
  return problems;
}
