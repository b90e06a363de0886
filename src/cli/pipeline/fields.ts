// One table: which key of the pipeline file becomes which field of which ARM body. Pure.
//
// compile.ts fills the bodies from it, and `ship --dry-run` prints it.
import type { Json, JsonObject } from '../../model/resource.ts';
import { compileCustomData } from './custom-data.ts';
import type { Pipeline } from './load.ts';
import { toIsoDuration } from './units.ts';

export type Body = 'scaleSet' | 'health' | 'rolloutPolicy' | 'imageTemplate';

export type Field = {
  /** Key in the pipeline file. */
  readonly key: string;
  readonly body: Body;
  /** Path in the ARM body, parts joined by dots. */
  readonly path: string;
  /** Undefined: the key is absent and the service's default holds. */
  value(pipeline: Pipeline): Json | undefined;
};

/** Tag that replaces the memory of the VM size, in MiB; Azure only stores it. */
const MEMORY_TAG = 'rollset:memoryMiB';

/** Shown before the path: the health settings are a part of the scale set's body. */
export const BODY_NAMES: Readonly<Record<Body, string>> = {
  scaleSet: 'virtualMachineScaleSets',
  health: 'virtualMachineScaleSets … extensions[ApplicationHealthLinux]',
  rolloutPolicy: 'Rollset.Fleet/rolloutPolicies',
  imageTemplate: 'imageTemplates',
};

const ROLLING = 'properties.upgradePolicy.rollingUpgradePolicy';
const PROFILE = 'properties.virtualMachineProfile';
const optional = <T>(value: T | undefined, convert: (value: T) => Json): Json | undefined =>
  value === undefined ? undefined : convert(value);

/** The name Azure requires beside a key when the file gives none. */
const DEFAULT_ADMIN = 'azureuser';

export const FIELDS: readonly Field[] = [
  {
    key: 'image.timeout',
    body: 'imageTemplate',
    path: 'properties.buildTimeoutInMinutes',
    value: ({ file }) => optional(file.image.timeout, (ms) => Math.ceil(ms / 60_000)),
  },
  {
    key: 'fleet.instances',
    body: 'scaleSet',
    path: 'sku.capacity',
    value: ({ file }) => file.fleet.instances,
  },
  {
    key: 'fleet.vmSize',
    body: 'scaleSet',
    path: 'sku.name',
    value: ({ file }) => file.fleet.vmSize,
  },
  {
    key: 'fleet.dataDisks',
    body: 'scaleSet',
    path: `${PROFILE}.storageProfile.dataDisks`,
    value: ({ file }) =>
      file.fleet.dataDisks.map(({ lun, size }) => ({
        lun,
        createOption: 'Empty',
        diskSizeGB: size / 1024,
        caching: 'None',
      })),
  },
  {
    key: 'fleet.environment, customData, dataDisks[].mount',
    body: 'scaleSet',
    path: `${PROFILE}.osProfile.customData`,
    value: (pipeline) => Buffer.from(customDataOf(pipeline)).toString('base64'),
  },
  {
    key: 'fleet.adminUsername',
    body: 'scaleSet',
    path: `${PROFILE}.osProfile.adminUsername`,
    value: ({ file, adminSshKey }) =>
      file.fleet.adminUsername ?? (adminSshKey === undefined ? undefined : DEFAULT_ADMIN),
  },
  {
    key: 'fleet.adminSshKey',
    body: 'scaleSet',
    path: `${PROFILE}.osProfile.linuxConfiguration`,
    value: ({ file, adminSshKey }) =>
      optional(adminSshKey, (keyData) => ({
        disablePasswordAuthentication: true,
        ssh: {
          publicKeys: [
            {
              path: `/home/${file.fleet.adminUsername ?? DEFAULT_ADMIN}/.ssh/authorized_keys`,
              keyData,
            },
          ],
        },
      })),
  },
  {
    key: 'fleet.health.protocol',
    body: 'health',
    path: 'protocol',
    value: ({ file }) => file.fleet.health.protocol ?? 'http',
  },
  {
    key: 'fleet.health.port, fleet.port',
    body: 'health',
    path: 'port',
    value: ({ file }) => file.fleet.health.port ?? file.fleet.port,
  },
  {
    key: 'fleet.health.path',
    body: 'health',
    path: 'requestPath',
    value: ({ file }) => file.fleet.health.path,
  },
  {
    key: 'fleet.health.interval',
    body: 'health',
    path: 'intervalInSeconds',
    value: ({ file }) => optional(file.fleet.health.interval, (ms) => Math.round(ms / 1000)),
  },
  {
    key: 'fleet.health.probes',
    body: 'health',
    path: 'numberOfProbes',
    value: ({ file }) => file.fleet.health.probes,
  },
  {
    key: 'rollout.batch',
    body: 'scaleSet',
    path: `${ROLLING}.maxBatchInstancePercent`,
    value: ({ file }) => file.rollout.batch,
  },
  {
    key: 'rollout.maxUnhealthy',
    body: 'scaleSet',
    path: `${ROLLING}.maxUnhealthyInstancePercent`,
    value: ({ file }) => file.rollout.maxUnhealthy,
  },
  {
    key: 'rollout.maxUnhealthyUpgraded',
    body: 'scaleSet',
    path: `${ROLLING}.maxUnhealthyUpgradedInstancePercent`,
    value: ({ file }) => file.rollout.maxUnhealthyUpgraded,
  },
  {
    key: 'rollout.pause',
    body: 'scaleSet',
    path: `${ROLLING}.pauseTimeBetweenBatches`,
    value: ({ file }) => optional(file.rollout.pause, toIsoDuration),
  },
  {
    key: 'rollout.rollback',
    body: 'scaleSet',
    path: 'properties.upgradePolicy.automaticOSUpgradePolicy.disableAutomaticRollback',
    value: ({ file }) => !file.rollout.rollback,
  },
  {
    key: 'rollout.healthTimeout',
    body: 'rolloutPolicy',
    path: 'properties.healthTimeout',
    value: ({ file }) => toIsoDuration(file.rollout.healthTimeout),
  },
  {
    key: 'rollout.drain',
    body: 'rolloutPolicy',
    path: 'properties.drain',
    value: ({ file }) => toIsoDuration(file.rollout.drain),
  },
  {
    key: 'targets.local.memory',
    body: 'scaleSet',
    path: `tags.${MEMORY_TAG}`,
    value: ({ file }) => optional(file.targets.local?.memory, String),
  },
];

export function customDataOf({ file, customData }: Pipeline): string {
  return compileCustomData({
    environment: file.fleet.environment,
    mounts: file.fleet.dataDisks.flatMap(({ lun, mount }) =>
      mount === undefined ? [] : [{ lun, mount }],
    ),
    ...(customData === undefined ? {} : { customData }),
  });
}

/** Writes every field of `body` that the pipeline gives into `target`. */
export function fillFields(body: Body, pipeline: Pipeline, target: JsonObject): JsonObject {
  for (const field of FIELDS.filter((each) => each.body === body)) {
    const value = field.value(pipeline);
    if (value !== undefined) setIn(target, field.path.split('.'), value);
  }
  return target;
}

function setIn(target: JsonObject, [head = '', ...rest]: readonly string[], value: Json): void {
  if (rest.length === 0) {
    target[head] = value;
    return;
  }
  const inner = target[head];
  const next = typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? inner : {};
  target[head] = next;
  setIn(next, rest, value);
}
