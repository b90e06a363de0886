// The whole HTTP side of the control plane: ARM, blobs and logs on one app.
import { Hono } from 'hono';
import { createArmHandler, sendError } from './arm/arm-handler.ts';
import type { ArmDependencies } from './arm/arm-handler.ts';
import type { RequestIds } from './arm/request-ids.ts';
import { requestIds } from './arm/request-ids.ts';
import { createDeclarations } from './declarations.ts';
import { resourceDeleter } from './resource-deleter.ts';
import type { DeletionAttempt } from '../operations/resource-group-deletion.ts';
import type { Stored } from '../store/store.ts';
import { BlobFiles } from './storage/blob-files.ts';
import { createBlobRouter } from './storage/blob-router.ts';
import { createLogRouter } from './storage/log-router.ts';

export type ApiDependencies = ArmDependencies & {
  readonly tenantId: string;
  /** Holds `blobs/` and `builds/`. */
  readonly dataFolder: string;
  /** At least 32 random bytes, kept across starts: signed URLs live as long as it does. */
  readonly sasKey: Uint8Array;
  /** The end of an instance's console log; empty when there is none yet. */
  readConsole(scaleSetKey: string, instanceId: string, maxBytes: number): Promise<string>;
};

/** First path segments that are ARM's; everything else with three is a blob. */
const ARM = /^\/+(subscriptions|providers)(\/|$)/i;

export function createApi(dependencies: ApiDependencies): Hono<{ Variables: RequestIds }> {
  const { ids, logger } = dependencies;
  const files = new BlobFiles(dependencies.dataFolder, () => ids.uuid());
  const arm = createArmHandler(dependencies, createDeclarations({ ...dependencies, files }));
  const blobs = createBlobRouter({ ...dependencies, files });
  const logs = createLogRouter({ ...dependencies, files });
  const app = new Hono<{ Variables: RequestIds }>();
  app.use('*', requestIds(ids));
  app.onError((error, c) => sendError(c, error, logger));
  app.use('*', (c, next) => (ARM.test(c.req.path) ? arm(c) : next()));
  app.route('/', logs);
  app.route('/', blobs);
  // Anything else gets ARM's answers: 401 without the token, 404 with it.
  app.all('*', arm);
  return app;
}

/** Deletes one resource as the API would: for operations/resource-group-deletion.ts. */
export function createResourceDeleter(
  dependencies: ApiDependencies,
): (row: Stored<'resource'>) => Promise<DeletionAttempt> {
  const files = new BlobFiles(dependencies.dataFolder, () => dependencies.ids.uuid());
  return resourceDeleter(dependencies, createDeclarations({ ...dependencies, files }));
}
