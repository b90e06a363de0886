// Instances as rows: names, the model part they get, adding, removing, forgetting. Pure.
import { z } from 'zod';
import { manifestOf } from '../../gallery/manifest.ts';
import { resourceKey } from '../../model/resource-id.ts';
import type {
  InstanceModel,
  InstanceOsDisk,
  InstanceRow,
  ScaleSet,
} from '../../model/scale-set.ts';
import { replace } from '../../store/replace.ts';
import type { Stored, Write } from '../../store/store.ts';
import { assert } from '../../support/assert.ts';
import { isoTime } from '../../support/clock.ts';
import { instanceKey } from '../keys.ts';
import type { SeenScaleSet } from './observe.ts';
import type { WriteContext } from './upgrade-writes.ts';

const SSH_PORT = 22;

/** The part of the set's model that an instance takes at birth and with each new OS disk. */
export function instanceModel(set: ScaleSet): InstanceModel {
  const ports = new Set(set.frontends.map((frontend) => frontend.backendPort));
  if (set.healthProbe !== undefined) ports.add(set.healthProbe.port);
  if (set.sshPublicKeys.length > 0) ports.add(SSH_PORT);
  return {
    vCPUs: set.vCPUs,
    memoryMib: set.memoryMib,
    ports: [...ports].toSorted((a, b) => a - b),
    dataDisks: set.dataDisks,
    ...(set.adminUsername === undefined ? {} : { adminUsername: set.adminUsername }),
    sshPublicKeys: set.sshPublicKeys,
  };
}

/** Azure's host name of a Uniform instance: prefix and the id in base 36, padded to six. */
export function computerName(prefix: string, instanceId: string): string {
  return `${prefix}${Number(instanceId).toString(36).padStart(6, '0')}`.toLowerCase();
}

/** The version's row as an OS disk; `diskId` must be new. The version must be usable. */
export function osDiskOf({ body }: Stored<'resource'>, diskId: string): InstanceOsDisk {
  const image = manifestOf(body);
  assert(image, `version ${body.id} has no manifest`);
  const versionTags = tagsSchema.parse(body.body['tags'] ?? {});
  return { diskId, version: body.name, versionId: body.id, image, versionTags };
}

const tagsSchema = z.record(z.string(), z.string());

export function findVersion(seen: SeenScaleSet, name: string): Stored<'resource'> | undefined {
  return seen.versions.find((row) => row.body.name === name);
}

export function addInstances(
  seen: SeenScaleSet,
  instanceIds: readonly string[],
  version: string,
  { now, ids }: WriteContext,
): Write[] {
  const set = seen.set.model;
  const versionRow = findVersion(seen, version);
  assert(versionRow, `version ${version} of ${set.image.definitionId} is not in the store`);
  return instanceIds.map((instanceId) => {
    const at = isoTime(now);
    const body: InstanceRow = {
      scaleSetId: set.id,
      instanceId,
      vmId: vmName(set.name, instanceId, ids.short(6)),
      computerName: computerName(set.computerNamePrefix, instanceId),
      wanted: 'present',
      osDisk: osDiskOf(versionRow, `os-${ids.short(12)}`),
      osDiskReason: { kind: 'create', at },
      model: instanceModel(set),
      modelGeneration: set.generation,
      createdAt: at,
    };
    const key = instanceKey(set.id, instanceId);
    return { put: 'instance', key, parent: resourceKey(set.id), type: '', body, expect: 'absent' };
  });
}

/** An engine name people recognise in a process list: [a-z0-9-], at most 64. */
function vmName(scaleSetName: string, instanceId: string, suffix: string): string {
  const safe = scaleSetName
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]/g, '-')
    .slice(0, 40);
  return `${safe}-${instanceId}-${suffix}`;
}

export function removeInstances(seen: SeenScaleSet, instanceIds: readonly string[]): Write[] {
  return seen.instances
    .filter((row) => instanceIds.includes(row.body.instanceId))
    .filter((row) => row.body.wanted !== 'deleted')
    .map((row) => replace(row, { ...row.body, wanted: 'deleted' }));
}

export function forgetInstances(seen: SeenScaleSet, instanceIds: readonly string[]): Write[] {
  return seen.instances
    .filter((row) => instanceIds.includes(row.body.instanceId))
    .flatMap((row): Write[] => [
      { remove: 'instance', key: row.key, expect: row.revision },
      { remove: 'instanceStatus', key: row.key },
    ]);
}
