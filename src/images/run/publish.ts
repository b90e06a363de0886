// Publishes what a run built: every version, run output, the template's status, the report and the
// end of the operation in one commit. Before it nothing is visible, after it everything.
import { writeManifestFile } from '../../gallery/manifest-files.ts';
import { placesOf } from '../../gallery/publisher.ts';
import { newVersionPut, VERSION_TYPE } from '../../gallery/version-row.ts';
import { imageVersionId } from '../../model/gallery-image-id.ts';
import { nextImageVersion } from '../../model/image-version.ts';
import type { ImageManifest } from '../../model/image.ts';
import { foldLocation, locationOf } from '../../model/location.ts';
import { childId, resourceKey, type ResourceId } from '../../model/resource-id.ts';
import type { ResourceRow } from '../../model/resource.ts';
import type { Put, Store } from '../../store/store.ts';
import type { DistributeTarget } from '../distribute.ts';
import { StepFailure } from './step-failure.ts';

type StoreReader = Pick<Store, 'get' | 'list'>;

export type Publication = {
  readonly versions: readonly Put<'resource'>[];
  readonly runOutputs: readonly Put<'resource'>[];
};

/**
 * Refuses what could not be published at the end, before minutes are spent on it: a definition that
 * is not there, a version that exists, a region list without the definition's own.
 */
export async function checkTargets(
  targets: readonly DistributeTarget[],
  store: StoreReader,
): Promise<void> {
  for (const target of targets) {
    const definition = await readDefinition(target, store);
    await checkVersionIsNew(target, store);
    const home = locationOf(definition);
    const regions = target.targetRegions.map(({ name }) => foldLocation(name));
    if (regions.length > 0 && !regions.includes(foldLocation(home))) {
      throw new StepFailure(
        `distribute "${target.runOutputName}": targetRegions must include ${home}, where the image definition lies`,
      );
    }
  }
}

/** Writes the manifest files and returns the writes that make the versions visible. */
export async function preparePublication(
  template: { readonly id: ResourceId; readonly targets: readonly DistributeTarget[] },
  manifest: ImageManifest,
  store: StoreReader,
  dataFolder: string,
  now: string,
): Promise<Publication> {
  const versions: Put<'resource'>[] = [];
  const runOutputs: Put<'resource'>[] = [];
  for (const target of template.targets) {
    const definition = await readDefinition(target, store);
    await checkVersionIsNew(target, store);
    const published = versions.filter(({ parent }) => parent === resourceKey(definition.id));
    const taken = published.map(({ body }) => body.name);
    const version = target.version ?? (await nextVersion(target, taken, store));
    const write = newVersionPut({
      definition,
      version,
      manifest,
      targetRegions: regionsOfTarget(target, definition),
      excludeFromLatest: target.excludeFromLatest,
      replicationMode: target.replicationMode,
      tags: target.artifactTags,
      now,
    });
    for (const place of placesOf(write.body)) await writeManifestFile(dataFolder, place, manifest);
    versions.push(write);
    runOutputs.push(runOutputPut(template.id, target.runOutputName, write.body.id, now));
  }
  return { versions, runOutputs };
}

async function readDefinition(target: DistributeTarget, store: StoreReader): Promise<ResourceRow> {
  const row = await store.get('resource', resourceKey(target.definitionId));
  if (row !== undefined) return row.body;
  throw new StepFailure(
    `distribute "${target.runOutputName}": the image definition ${target.definitionId} does not exist; make it first, an image template never does`,
  );
}

async function checkVersionIsNew(target: DistributeTarget, store: StoreReader): Promise<void> {
  if (target.version === undefined) return;
  const id = imageVersionId(target.definitionId, target.version);
  if ((await store.get('resource', resourceKey(id))) === undefined) return;
  throw new StepFailure(
    `version ${target.version} of ${target.definitionId} exists already, and a published version never changes: choose a higher number`,
  );
}

/** Highest + 1 patch, of all versions or of those with the wanted major; also of unusable ones. */
async function nextVersion(
  { definitionId, major }: DistributeTarget,
  taken: readonly string[],
  store: StoreReader,
): Promise<string> {
  const parent = resourceKey(definitionId);
  const rows = await store.list('resource', { parent, type: VERSION_TYPE });
  const existing = [...rows.map(({ body }) => body.name), ...taken];
  if (major === undefined) return nextImageVersion(existing);
  const ofMajor = existing.filter((name) => name.startsWith(`${major}.`));
  return ofMajor.length === 0 ? `${major}.0.0` : nextImageVersion(ofMajor);
}

function regionsOfTarget(target: DistributeTarget, definition: ResourceRow) {
  const home = locationOf(definition);
  const regions =
    target.targetRegions.length > 0
      ? target.targetRegions
      : [{ name: home, replicaCount: 1, storageAccountType: 'Standard_LRS' }];
  return regions.map((region) => ({ ...region, excludeFromLatest: false }));
}

function runOutputPut(
  templateId: ResourceId,
  name: string,
  artifactId: ResourceId,
  now: string,
): Put<'resource'> {
  const id = childId(templateId, 'runOutputs', name);
  return {
    put: 'resource',
    key: resourceKey(id),
    parent: resourceKey(templateId),
    type: 'microsoft.virtualmachineimages/imagetemplates/runoutputs',
    body: {
      id,
      type: 'Microsoft.VirtualMachineImages/imageTemplates/runOutputs',
      name,
      body: { properties: { artifactId, provisioningState: 'Succeeded' } },
      internal: {},
      provisioningState: 'Succeeded',
      generation: 1,
      createdAt: now,
      changedAt: now,
    },
  };
}
