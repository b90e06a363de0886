// Ends the operations of gallery image versions: a version made from another version, a change of
// how a version is published, a deletion. One at a time, in the order in which they were asked.
import type { Logger } from 'pino';
import type { ImageEngine } from '../engines/engine.ts';
import { parseGalleryImageId } from '../model/gallery-image-id.ts';
import type { ImageManifest } from '../model/image.ts';
import { resourceKey } from '../model/resource-id.ts';
import type { ArmErrorBody, ResourceRow } from '../model/resource.ts';
import { commitAgain } from '../operations/commit-again.ts';
import { followOperations } from '../operations/follow-operations.ts';
import { endOperation, isOpen } from '../operations/operations.ts';
import { removeResource } from '../operations/remove-resource.ts';
import { replace } from '../store/replace.ts';
import type { Store, Stored } from '../store/store.ts';
import { type Clock, isoTime } from '../support/clock.ts';
import type { LayerKeeper } from './layer-keeper.ts';
import { manifestOf, manifestToJson } from './manifest.ts';
import {
  type ManifestPlace,
  removeManifestFile,
  sweepManifestFiles,
  writeManifestFile,
} from './manifest-files.ts';
import { findManifest } from './read-versions.ts';
import { regionsOf, sourceIdOf, VERSION_TYPE, withPublishedDate } from './version-row.ts';

export type GalleryPublisherDeps = {
  readonly store: Store;
  readonly engine: Pick<ImageEngine, 'hasImage'>;
  readonly layers: LayerKeeper;
  readonly clock: Clock;
  readonly dataFolder: string;
  readonly logger: Logger;
};

type Content =
  | { readonly kind: 'image'; readonly manifest: ImageManifest }
  | { readonly kind: 'refused'; readonly error: ArmErrorBody };

export class GalleryPublisher {
  readonly #deps: GalleryPublisherDeps;
  /** Tail of the work queue. */
  #work: Promise<void> = Promise.resolve();
  #unfollow: () => void = () => {};

  constructor(deps: GalleryPublisherDeps) {
    this.#deps = deps;
  }

  /** Removes what a crash left, then takes up open operations. */
  async start(): Promise<void> {
    await this.#sweep();
    const onError = (error: unknown) => {
      this.#deps.logger.error({ err: error }, 'reading a gallery operation failed');
    };
    this.#unfollow = await followOperations(
      this.#deps.store,
      ['galleryVersion.put', 'galleryVersion.delete'],
      ({ key }) => this.#enqueue(key),
      onError,
    );
  }

  /** Returns when the operation at hand has ended; others wait for the next start. */
  async stop(): Promise<void> {
    this.#unfollow();
    await this.#work;
  }

  #enqueue(operationId: string): void {
    this.#work = this.#work.then(async () => {
      const operation = await this.#deps.store.get('operation', operationId);
      // The same operation may have been announced twice.
      if (operation === undefined || !isOpen(operation)) return;
      try {
        if (operation.body.kind === 'galleryVersion.delete') await this.#delete(operation);
        else await this.#put(operation);
      } catch (error) {
        this.#deps.logger.error({ err: error, operationId }, 'a gallery operation failed');
        const message = `${operation.body.kind} of ${operation.body.resourceId} failed: ${sentence(error)}`;
        await this.#fail(operationId, { code: 'InternalExecutionError', message });
      }
    });
    this.#work = this.#work.catch((error: unknown) => {
      this.#deps.logger.error({ err: error, operationId }, 'ending a gallery operation failed');
    });
  }

  async #put(operation: Stored<'operation'>): Promise<void> {
    const { clock, dataFolder, store } = this.#deps;
    const row = await store.get('resource', operation.parent);
    if (row === undefined) {
      await this.#fail(operation.key, notFound(operation.body.resourceId));
      return;
    }
    const content = await this.#contentOf(row.body);
    if (content.kind === 'refused') {
      await this.#fail(operation.key, content.error);
      return;
    }
    for (const place of placesOf(row.body)) {
      await writeManifestFile(dataFolder, place, content.manifest);
    }
    await commitAgain(store, async () => {
      const [open, version] = await this.#read(operation.key);
      if (open === undefined || version === undefined) return undefined;
      const now = isoTime(clock.now());
      const { error: _cured, ...body } = version.body;
      return [
        endOperation(open, { status: 'Succeeded' }, clock.now()),
        replace(version, {
          ...body,
          body: withPublishedDate(body.body, now),
          internal: { ...body.internal, manifest: manifestToJson(content.manifest) },
          provisioningState: 'Succeeded',
          changedAt: now,
        }),
      ];
    });
  }

  /** A version's content never changes: what it has, else what its source has. */
  async #contentOf(version: ResourceRow): Promise<Content> {
    const own = manifestOf(version);
    if (own !== undefined) return { kind: 'image', manifest: own };
    const sourceId = sourceIdOf(version);
    const source = sourceId === undefined ? undefined : parseGalleryImageId(sourceId);
    if (sourceId === undefined || source?.version === undefined) {
      return refused(
        'InvalidParameter',
        `Version ${version.name} can be made from another gallery image version (storageProfile.source.id); ${sourceId ?? 'other kinds of sources'} is not supported. To bring a disk, use \`rollset image import\`.`,
      );
    }
    const manifest = await findManifest(this.#deps.store, sourceId);
    if (manifest === undefined) return { kind: 'refused', error: notFound(sourceId) };
    if (!(await this.#deps.engine.hasImage(manifest))) {
      return refused(
        'GalleryImageNotFound',
        `Version ${sourceId} is published, but layers of it are missing or damaged on this machine: bake it again.`,
      );
    }
    return { kind: 'image', manifest };
  }

  async #delete(operation: Stored<'operation'>): Promise<void> {
    const { clock, dataFolder, layers, store } = this.#deps;
    const row = await store.get('resource', operation.parent);
    for (const place of row === undefined ? [] : placesOf(row.body)) {
      await removeManifestFile(dataFolder, place);
    }
    await commitAgain(store, async () => {
      const open = await store.get('operation', operation.key);
      if (open === undefined || !isOpen(open)) return undefined;
      return [
        endOperation(open, { status: 'Succeeded' }, clock.now()),
        ...(await removeResource(store, operation.body.resourceId)),
      ];
    });
    await layers.removeUnused();
  }

  async #fail(operationId: string, error: ArmErrorBody): Promise<void> {
    const { clock, store } = this.#deps;
    await commitAgain(store, async () => {
      const [open, version] = await this.#read(operationId);
      if (open === undefined) return undefined;
      const end = endOperation(open, { status: 'Failed', error }, clock.now());
      if (version === undefined) return [end];
      const changedAt = isoTime(clock.now());
      return [
        end,
        replace(version, { ...version.body, provisioningState: 'Failed', error, changedAt }),
      ];
    });
  }

  async #read(
    operationId: string,
  ): Promise<[Stored<'operation'> | undefined, Stored<'resource'> | undefined]> {
    const operation = await this.#deps.store.get('operation', operationId);
    if (operation === undefined || !isOpen(operation)) return [undefined, undefined];
    return [operation, await this.#deps.store.get('resource', operation.parent)];
  }

  async #sweep(): Promise<void> {
    const { dataFolder, layers, logger, store } = this.#deps;
    const versions = await store.list('resource', { type: VERSION_TYPE });
    const published = new Set(
      versions
        .filter(({ body }) => manifestOf(body) !== undefined)
        .flatMap(({ body }) => placesOf(body).map(placeKey)),
    );
    const files = await sweepManifestFiles(dataFolder, (place) => published.has(placeKey(place)));
    for (const file of files) logger.info({ file }, 'removed a manifest that no version has');
    await layers.removeUnused();
  }
}

/** One manifest per region that has a replica. */
export function placesOf(version: ResourceRow): ManifestPlace[] {
  const reference = parseGalleryImageId(version.id);
  if (reference?.version === undefined) return [];
  const { gallery, definition, version: name } = reference;
  return regionsOf(version).map((region) => ({
    location: region.name,
    gallery,
    definition,
    version: name,
  }));
}

function placeKey(place: ManifestPlace): string {
  return [place.location, place.gallery, place.definition, place.version].join('/').toLowerCase();
}

function notFound(id: string): ArmErrorBody {
  return {
    code: 'GalleryImageNotFound',
    message: `The gallery image ${resourceKey(id)} is not available: it does not exist or is not published yet.`,
  };
}

function refused(code: string, message: string): Content {
  return { kind: 'refused', error: { code, message } };
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
