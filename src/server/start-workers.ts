// Constructs and starts what makes rows so: the fleet, the image builder, the gallery.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Logger } from 'pino';
import { runLogUri } from '../api/storage/log-router.ts';
import { toScaleSet } from '../api/compute/scale-set/to-scale-set.ts';
import { LayerKeeper } from '../gallery/layer-keeper.ts';
import { GalleryPublisher } from '../gallery/publisher.ts';
import { createFetchSource } from '../images/fetch-source.ts';
import { hostTraces } from '../images/host-traces.ts';
import { ImageTemplateRunner } from '../images/runner.ts';
import { forgetOldOperations } from '../operations/operations.ts';
import {
  type ResourceGroupDeletionDeps,
  ResourceGroupDeletions,
} from '../operations/resource-group-deletion.ts';
import { Fleet } from '../reconcile/fleet.ts';
import { scaleSetReader } from '../reconcile/scale-set-reader.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { Ids } from '../support/ids.ts';
import type { DataFolder } from './data-folder.ts';
import type { OpenedEngine } from './open-engine.ts';

export type WorkerDependencies = OpenedEngine & {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly folder: DataFolder;
  readonly sasKey: Uint8Array;
  readonly endpoint: string;
  readonly deleteResource: ResourceGroupDeletionDeps['deleteResource'];
  /** PEM of our own CA. */
  readonly ca: string;
};

/** `close` may be called twice. */
export async function startWorkers(deps: WorkerDependencies): Promise<{ close(): Promise<void> }> {
  const { store, clock, ids, logger, engine, folder } = deps;
  const dataFolder = folder.path;
  const layers = new LayerKeeper({ store, engine, logger });
  const publisher = new GalleryPublisher({ store, engine, layers, clock, dataFolder, logger });
  const runner = new ImageTemplateRunner({
    store,
    engine,
    layers,
    clock,
    dataFolder,
    logger,
    fetchSource: createFetchSource(deps.ca),
    logUri: (runId, file) => runLogUri(deps.endpoint, runId, file, { sasKey: deps.sasKey, clock }),
    forbiddenInImages: hostTraces(process.env, await aptConfiguration()),
  });
  const fleet = new Fleet({
    ...deps,
    ids,
    readScaleSet: scaleSetReader(store, toScaleSet),
    readCustomData: (key) => readCustomData(store, key),
    watchingSinceMs: clock.now(),
    diskSpace: () => engine.diskSpace(),
    onError: (what, error) =>
      logger.error({ part: 'reconcile', what, err: error }, 'a pass failed'),
  });
  const deletions = new ResourceGroupDeletions({
    store,
    clock,
    deleteResource: deps.deleteResource,
    onError: (error) => logger.error({ err: error }, 'deleting a resource group failed'),
  });
  await store.commit(forgetOldOperations(await store.list('operation', {}), clock.now()));
  await fleet.start();
  await publisher.start();
  await runner.start();
  deletions.start();
  let closing: Promise<void> | undefined;
  const close = async () => {
    await deletions.stop();
    await runner.stop();
    await publisher.stop();
    await fleet.close();
  };
  return { close: () => (closing ??= close()) };
}

async function readCustomData(store: Store, scaleSetKey: string): Promise<string | undefined> {
  const customData = (await store.get('resource', scaleSetKey))?.body.internal['customData'];
  return typeof customData === 'string' ? customData : undefined;
}

/** Empty where there is no apt. */
async function aptConfiguration(): Promise<string> {
  try {
    return (await promisify(execFile)('apt-config', ['dump'])).stdout;
  } catch {
    return '';
  }
}
