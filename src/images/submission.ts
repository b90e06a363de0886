// Submitting a template: checks what can be checked without building, and fetches every script and
// file now. As on Azure a later change at the source does not change later runs.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Engine, ImageEngine } from '../engines/engine.ts';
import { imageVersionId } from '../model/gallery-image-id.ts';
import { resourceKey } from '../model/resource-id.ts';
import type { ResourceRow } from '../model/resource.ts';
import { endOperation } from '../operations/operations.ts';
import { replace } from '../store/replace.ts';
import type { Store, Stored, Write } from '../store/store.ts';
import { type Clock, isoTime } from '../support/clock.ts';
import { type FetchedFile, filesOf } from './customizers.ts';
import { FetchRefused, type FetchSource } from './fetch-source.ts';
import { FETCH_ATTEMPTS, FETCH_RETRY_MS } from './limits.ts';
import { PLATFORM_IMAGES } from './platform-images.ts';
import { parseImageTemplate, type TemplateSource } from './template.ts';
import { TemplateError } from './template-error.ts';

export type SubmissionDeps = {
  readonly store: Pick<Store, 'get'>;
  readonly engine: Pick<Engine, 'describe'> & Pick<ImageEngine, 'listBaseImages'>;
  readonly clock: Clock;
  readonly dataFolder: string;
  readonly fetchSource: FetchSource;
};

/** Where a template's fetched files lie. */
export function templateFolder(dataFolder: string, templateId: string): string {
  const hash = createHash('sha256').update(resourceKey(templateId)).digest('hex').slice(0, 32);
  return join(dataFolder, 'builds', 'templates', hash);
}

/** Throws TemplateError when the template cannot be built. Safe to repeat. */
export async function submitTemplate(
  row: ResourceRow,
  deps: SubmissionDeps,
  signal: AbortSignal,
): Promise<void> {
  const template = parseImageTemplate(row);
  await checkSource(template.source, deps);
  const folder = templateFolder(deps.dataFolder, row.id);
  await mkdir(folder, { recursive: true });
  for (const file of filesOf([...template.customize, ...template.validate])) {
    await fetchFile(file, join(folder, file.fileName), deps, signal);
  }
}

/** The end of a submission: operation and template in one commit. */
export function submissionEnd(
  operation: Stored<'operation'>,
  template: Stored<'resource'> | undefined,
  problem: unknown,
  nowMs: number,
): Write[] {
  const failed = problem !== undefined;
  const error = {
    code: problem instanceof TemplateError ? problem.code : 'ServerError',
    message: problem instanceof Error ? problem.message : String(problem),
  };
  const outcome = failed
    ? ({ status: 'Failed', error } as const)
    : ({ status: 'Succeeded' } as const);
  const end = endOperation(operation, outcome, nowMs);
  if (template === undefined) return [end];
  const { error: _cured, ...row } = template.body;
  const provisioningState = failed ? 'Failed' : 'Succeeded';
  const body = {
    ...row,
    provisioningState,
    changedAt: isoTime(nowMs),
    ...(failed ? { error } : {}),
  } as const;
  return [end, replace(template, body)];
}

async function checkSource(source: TemplateSource, deps: SubmissionDeps): Promise<void> {
  if (source.kind === 'base') {
    const [{ name }, known] = await Promise.all([
      deps.engine.describe(),
      deps.engine.listBaseImages(),
    ]);
    // The simulated engine has every platform image.
    if (name === 'simulated' || known.includes(source.alias)) return;
    const debian = PLATFORM_IMAGES.map(
      ({ publisher, offer, skus }) => `${publisher}:${offer}:${skus[0]}:latest`,
    );
    throw new TemplateError(
      'BadPIRSource',
      `There is no base image ${source.alias} here. Base images: ${known.join(', ') || 'none'}; platform images: ${debian.join(', ')}.`,
    );
  }
  const { definitionId, version } = source;
  const id = version === undefined ? definitionId : imageVersionId(definitionId, version);
  if ((await deps.store.get('resource', resourceKey(id))) === undefined) {
    throw new TemplateError(
      'BadSharedImageVersionSource',
      `The source image ${id} does not exist.`,
    );
  }
}

async function fetchFile(
  file: FetchedFile,
  path: string,
  deps: SubmissionDeps,
  signal: AbortSignal,
): Promise<void> {
  // A template's steps never change, so a file that is here is the right one: a PATCH may come long
  // after the signed address has expired.
  if (await exists(path)) return;
  const part = `${path}.part`;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await deps.fetchSource(file.uri, part, signal);
      break;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FetchRefused || attempt >= FETCH_ATTEMPTS)
        throw fetchFailed(file, error);
      await deps.clock.sleep(FETCH_RETRY_MS * attempt, signal);
    }
  }
  const actual = await sha256Of(part);
  if (file.sha256Checksum !== undefined && file.sha256Checksum !== actual) {
    throw new TemplateError(
      'Other',
      `${withoutQuery(file.uri)}: sha256Checksum is ${file.sha256Checksum}, but what was fetched has ${actual}.`,
    );
  }
  await rename(part, path);
}

function fetchFailed(file: FetchedFile, error: unknown): TemplateError {
  const why = error instanceof Error ? error.message : String(error);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : '';
  return new TemplateError(
    'Other',
    `${withoutQuery(file.uri)} could not be fetched: ${why}${cause === '' ? '' : ` (${cause})`}.`,
  );
}

/** The query of a signed address is a credential. */
function withoutQuery(uri: string): string {
  return uri.replace(/[?#].*$/, '');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
