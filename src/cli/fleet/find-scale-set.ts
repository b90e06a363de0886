// Which scale set a command is about: --set, the pipeline file's, or the only one there is.
import { access } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { asResourceId, sameResource } from '../../model/resource-id.ts';
import type { ResourceId } from '../../model/resource-id.ts';
import type { ArmClient } from '../client/arm-client.ts';
import { CommandFailure } from '../failure.ts';
import type { FleetFlags } from '../flags.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';
import { readPipelineFile } from '../pipeline/load.ts';
import { derivedNames } from '../pipeline/names.ts';
import { resourceGroupOf } from '../pipeline/place.ts';

export type FoundScaleSet = {
  readonly id: ResourceId;
  readonly name: string;
  /** Of the image definition it follows, or the version it is pinned to. */
  readonly imageId: string | undefined;
};

const scaleSetSchema = z.looseObject({
  id: z.string(),
  name: z.string(),
  properties: z.looseObject({
    virtualMachineProfile: z.looseObject({
      storageProfile: z.looseObject({
        imageReference: z.looseObject({ id: z.string().nullish() }).nullish(),
      }),
    }),
  }),
});

export async function findScaleSet(
  arm: ArmClient,
  flags: Pick<FleetFlags, 'file' | 'set'>,
  cwd: string,
): Promise<FoundScaleSet> {
  const path = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Compute/virtualMachineScaleSets`;
  const all = (await arm.list(path, API_VERSIONS.compute)).map(toFound);
  if (flags.set !== undefined) return named(flags.set, all);
  const wanted = await idFromFile(arm, flags, cwd);
  if (wanted !== undefined) {
    const found = all.find(({ id }) => sameResource(id, wanted));
    if (found !== undefined) return found;
    if (flags.file !== undefined || all.length === 0) {
      throw new CommandFailure(`there is no scale set ${wanted} yet: \`rollset ship\` makes it`);
    }
  }
  const [only, ...others] = all;
  if (only === undefined) {
    throw new CommandFailure('there is no scale set yet: `rollset ship` makes the first one');
  }
  if (others.length === 0) return only;
  throw new CommandFailure(
    `there are ${all.length} scale sets: name one with --set (${all.map(({ name }) => name).join(', ')}) or --file`,
  );
}

function named(name: string, all: readonly FoundScaleSet[]): FoundScaleSet {
  const found = all.filter((each) => each.name.toLowerCase() === name.toLowerCase());
  const [only, ...others] = found;
  if (only !== undefined && others.length === 0) return only;
  const names = all.map((each) => each.name).join(', ') || 'none';
  throw new CommandFailure(
    only === undefined
      ? `there is no scale set ${name}; there are: ${names}`
      : `several resource groups have a scale set ${name}: name the pipeline file with --file`,
  );
}

async function idFromFile(
  arm: ArmClient,
  flags: Pick<FleetFlags, 'file'>,
  cwd: string,
): Promise<ResourceId | undefined> {
  const path = flags.file === undefined ? join(cwd, 'rollset.yaml') : resolve(cwd, flags.file);
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  if (!isThere && flags.file === undefined) return undefined;
  const file = await readPipelineFile(path);
  const place = {
    subscriptionId: arm.subscriptionId,
    resourceGroup: resourceGroupOf(file, 'local'),
  };
  return derivedNames(file.name, place).scaleSetId;
}

function toFound(body: unknown): FoundScaleSet {
  const { id, name, properties } = scaleSetSchema.parse(body);
  const { imageReference } = properties.virtualMachineProfile.storageProfile;
  return { id: asResourceId(id), name, imageId: imageReference?.id ?? undefined };
}

/** `3` or `guestbook_3` to `3`. */
export function parseInstance(text: string, scaleSet: Pick<FoundScaleSet, 'name'>): string {
  const prefix = `${scaleSet.name}_`;
  const id = text.toLowerCase().startsWith(prefix.toLowerCase()) ? text.slice(prefix.length) : text;
  if (/^\d+$/.test(id)) return id;
  throw new CommandFailure(
    `${text} is not an instance of ${scaleSet.name}: write its number, e.g. 0, or ${prefix}0`,
  );
}
