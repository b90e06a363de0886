// Rules over several fields of an image template, in the words of Azure's Image Builder.
import { parseGalleryImageId } from '../../model/gallery-image-id.ts';
import { resourceKey } from '../../model/resource-id.ts';
import { findVmSize, VM_SIZES } from '../../model/vm-sizes.ts';
import type { PrepareContext } from '../arm/declaration.ts';
import type { ImageTemplateBody, Step } from './image-template-schema.ts';

type Context = PrepareContext<ImageTemplateBody>;

export async function checkTemplate(context: Context): Promise<void> {
  const { body, problems } = context;
  const { customize, validate, vmProfile } = body.properties;
  checkSteps(context, customize ?? [], 'properties.customize');
  checkSteps(context, validate?.inVMValidations ?? [], 'properties.validate.inVMValidations');
  checkSource(context);
  const size = vmProfile.vmSize ?? '';
  if (size !== '' && findVmSize(size) === undefined) {
    problems.add(
      'properties.vmProfile.vmSize',
      `The VM size '${size}' is not known here. Known: ${Object.keys(VM_SIZES).join(', ')}.`,
    );
  }
  await checkDistribute(context);
}

function checkSteps({ problems }: Context, steps: readonly Step[], path: string): void {
  for (const [i, step] of steps.entries()) {
    if (step.type !== 'Shell') continue;
    const inline = step.inline !== undefined && step.inline.length > 0;
    const script = step.scriptUri !== undefined && step.scriptUri !== '';
    if (inline !== script) continue;
    problems.add(
      `${path}[${i}]`,
      `ImageTemplate.${path}[${i}]: a Shell needs exactly one of inline and scriptUri; it has ${inline ? 'both' : 'neither'}.`,
      'ValidationFailed',
    );
  }
}

function checkSource({ body, problems }: Context): void {
  const { source } = body.properties;
  if (source.type !== 'SharedImageVersion') return;
  if (parseGalleryImageId(source.imageVersionId) !== undefined) return;
  problems.add(
    'properties.source.imageVersionId',
    `ImageTemplate.properties.source: field imageVersionId has a bad value: '${source.imageVersionId}' is not a gallery image version (…/versions/1.2.3 or …/versions/latest).`,
    'ValidationFailed',
  );
}

async function checkDistribute(context: Context): Promise<void> {
  const { body, problems } = context;
  const names = body.properties.distribute.map(({ runOutputName }) => runOutputName);
  for (const [i, target] of body.properties.distribute.entries()) {
    const at = `properties.distribute[${i}]`;
    const bad = (why: string) =>
      problems.add(at, `ImageTemplate.${at}: ${why}`, 'ValidationFailed');
    if (names.indexOf(target.runOutputName) !== i) {
      bad(`runOutputName '${target.runOutputName}' is used twice; it must be unique.`);
    }
    if (target.targetRegions !== undefined && target.replicationRegions !== undefined) {
      bad('targetRegions and replicationRegions exclude each other.');
    }
    await checkTarget(context, target.galleryImageId, bad);
  }
}

/** The definition must exist; a version named outright must not. */
async function checkTarget(
  { store }: Context,
  galleryImageId: string,
  bad: (why: string) => void,
): Promise<void> {
  const image = parseGalleryImageId(galleryImageId);
  if (image === undefined) {
    bad(`galleryImageId '${galleryImageId}' is neither an image definition nor …/versions/1.2.3.`);
    return;
  }
  if ((await store.get('resource', resourceKey(image.definitionId))) === undefined) {
    bad(
      `the image definition ${image.definitionId} does not exist. Image Builder does not make it.`,
    );
    return;
  }
  if (image.version === undefined) return;
  if ((await store.get('resource', resourceKey(galleryImageId))) === undefined) return;
  bad(`the version ${image.version} exists already; versions are never replaced.`);
}
