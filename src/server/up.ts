// Runs one control plane: opens every part in order, serves, and closes them in reverse.
//
// Ending it never stops a VM or the balancer; only `down` does, and then for good.
import { Hono } from 'hono';
import type { Logger } from 'pino';
import { checkBearerToken } from '../api/arm/authentication.ts';
import { sendError } from '../api/arm/arm-handler.ts';
import { type RequestIds, requestIds } from '../api/arm/request-ids.ts';
import { createApi, createResourceDeleter } from '../api/create-api.ts';
import type { Connection } from '../model/connection.ts';
import type { Store } from '../store/store.ts';
import { StoreLocked } from '../store/errors.ts';
import { openStore } from '../store/sqlite-store.ts';
import { type Clock, systemClock } from '../support/clock.ts';
import { randomIds } from '../support/ids.ts';
import { removeConnection, writeConnection } from './connection-file.ts';
import { type DataFolder, defaultDataFolder, openDataFolder } from './data-folder.ts';
import { type EngineName, openEngine } from './open-engine.ts';
import { ensurePki } from './pki/ensure-pki.ts';
import { serveHttps } from './pki/serve-https.ts';
import { consoleReader } from './read-console.ts';
import { openSecrets, type Secrets } from './secrets.ts';
import { startWorkers } from './start-workers.ts';
import { stopFleet } from './stop-fleet.ts';

export type ControlPlaneOptions = {
  /** Left out: `~/.rollset`, as root `/var/lib/rollset`. */
  readonly dataFolder?: string;
  readonly listen: { readonly host: string; readonly port: number };
  readonly engine: EngineName;
  readonly logger: Logger;
  /** Aborted: the control plane ends, VMs go on. */
  readonly signal?: AbortSignal;
};

export type ControlPlane = {
  readonly connection: Connection;
  /** What runs the VMs, e.g. `qemu 7.2.22, tcg`. */
  readonly engine: string;
  /** Settles when it has ended: by the signal or by `down`. */
  readonly closed: Promise<void>;
};

/** Rejects with one sentence when the data is in use, the port is taken or a part cannot open. */
export async function runControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const closers: (() => Promise<void> | void)[] = [];
  const closeAll = async () => {
    for (const close of closers.splice(0).toReversed()) await close();
  };
  try {
    return await openParts(options, closers, closeAll);
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function openParts(
  options: ControlPlaneOptions,
  closers: (() => Promise<void> | void)[],
  closeAll: () => Promise<void>,
): Promise<ControlPlane> {
  const { logger } = options;
  const clock: Clock = systemClock;
  const folder = await openDataFolder(options.dataFolder ?? defaultDataFolder());
  const store = await openLockedStore(folder);
  closers.push(() => store.close());
  const [secrets, pki] = await Promise.all([
    openSecrets(folder.path, randomIds),
    ensurePki(`${folder.path}/pki`, clock),
  ]);
  const opened = await openEngine(options.engine, { folder, clock, ids: randomIds, logger });
  closers.push(
    () => opened.engine.close(),
    () => opened.balancer.close(),
    () => opened.health.close(),
  );

  const ending = new AbortController();
  let stopVms = false;
  const app = new Hono<{ Variables: RequestIds }>();
  app.use('/rollset/*', requestIds(randomIds));
  app.post('/rollset/down', (c) => {
    try {
      checkBearerToken(c.req.header('authorization'), secrets.clientSecret);
    } catch (error) {
      return sendError(c, error, logger);
    }
    stopVms = true;
    // After the answer has left: the client then waits for this process to end.
    setImmediate(() => ending.abort());
    return c.body(null, 202);
  });
  const sasKey = Buffer.from(secrets.sasKey, 'base64');
  const apiDependencies = {
    store,
    clock,
    ids: randomIds,
    logger,
    subscriptionId: secrets.subscriptionId,
    tenantId: secrets.tenantId,
    token: secrets.clientSecret,
    dataFolder: folder.path,
    sasKey,
    readConsole: consoleReader(store, opened.engine),
  };
  const api = createApi(apiDependencies);
  app.all('*', (c) => api.fetch(c.req.raw, c.env));
  const server = await listen(app, options, pki);
  closers.push(() => server.close());
  const endpoint = `https://${options.listen.host}:${server.port}`;

  const workers = await startWorkers({
    store,
    clock,
    ids: randomIds,
    logger,
    folder,
    sasKey,
    endpoint,
    ca: pki.ca,
    deleteResource: createResourceDeleter(apiDependencies),
    ...opened,
  });
  closers.push(() => workers.close());

  const connection = connectionOf(endpoint, pki.caFile, secrets, folder);
  await writeConnection(connection);
  const { accelerator, name, version } = await opened.engine.describe();
  options.signal?.addEventListener('abort', () => ending.abort(), { once: true });
  if (options.signal?.aborted === true) ending.abort();
  return {
    connection,
    engine: name === 'simulated' ? name : `${name} ${version}, ${accelerator}`,
    closed: untilAborted(ending.signal).then(async () => {
      // A down must be known of before VMs stop, else the workers would start them again.
      if (stopVms) {
        await workers.close();
        await stopFleet(opened, clock, logger);
      }
      await closeAll();
      await removeConnection(folder.path);
    }),
  };
}

async function openLockedStore(folder: DataFolder): Promise<Store> {
  try {
    return await openStore(`${folder.path}/rollset.db`);
  } catch (error) {
    if (!(error instanceof StoreLocked)) throw error;
    const sentence = `another control plane is already running on ${folder.path}; use it, stop it with: rollset down --data ${folder.path}, or choose another folder with --data`;
    throw new Error(sentence, { cause: error });
  }
}

async function listen(
  app: Hono<{ Variables: RequestIds }>,
  { listen: { host, port } }: ControlPlaneOptions,
  pki: { key: string; cert: string },
) {
  try {
    return await serveHttps(app, { hostname: host, port, key: pki.key, cert: pki.cert });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE') {
      const sentence = `${host}:${port} is already in use; choose another with --listen, or let one be picked: --listen ${host}:0`;
      throw new Error(sentence, { cause: error });
    }
    throw new Error(`cannot listen on ${host}:${port}: ${String(error)}`, { cause: error });
  }
}

function connectionOf(
  endpoint: string,
  caBundle: string,
  secrets: Secrets,
  folder: DataFolder,
): Connection {
  const { tenantId, subscriptionId, clientId, clientSecret } = secrets;
  return {
    endpoint,
    caBundle,
    tenantId,
    subscriptionId,
    clientId,
    clientSecret,
    msiEndpoint: null,
    portal: null,
    data: folder.path,
    pid: process.pid,
  };
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
