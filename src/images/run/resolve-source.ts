// From what the template names as its source to the image a build VM can start from.
import { resolveLatest } from '../../planning/gallery/latest.ts';
import { findManifest, readVersions } from '../../gallery/read-versions.ts';
import { imageVersionId } from '../../model/gallery-image-id.ts';
import type { ImageManifest } from '../../model/image.ts';
import type { TemplateSource } from '../template.ts';
import type { RunEnvironment } from './execute.ts';
import { StepFailure } from './step-failure.ts';

/** `latest` is resolved now, when the run starts, as on Azure. */
export async function resolveSource(
  source: TemplateSource,
  env: RunEnvironment,
): Promise<ImageManifest> {
  const { engine, log, signal, store } = env;
  if (source.kind === 'base') {
    return engine.ensureBaseImage(source.alias, (line) => log.output(`${line}\n`), signal);
  }
  const version = source.version ?? (await latestOf(source.definitionId, env));
  const id = imageVersionId(source.definitionId, version);
  const manifest = await findManifest(store, id);
  if (manifest === undefined) {
    throw new StepFailure(`the source image ${id} does not exist or is not published yet`);
  }
  if (!(await engine.hasImage(manifest))) {
    throw new StepFailure(`layers of the source image ${id} are missing or damaged: bake it again`);
  }
  log.note(`starts from ${id}`);
  return manifest;
}

async function latestOf(definitionId: string, env: RunEnvironment): Promise<string> {
  const { location } = env.template;
  const answer = resolveLatest(await readVersions(env.store, definitionId), location);
  if (answer.latest !== undefined) return answer.latest;
  const why = answer.losers.map(({ sentence }) => sentence).join(' ');
  throw new StepFailure(
    `the source definition ${definitionId} has no latest version in ${location}. ${why}`.trim(),
  );
}
