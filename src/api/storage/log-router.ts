// Logs by URL: a run's customization and validation log, an instance's serial console. Readable with
// the bearer token or with the SAS that the URL carries, so that a person can open it in a browser.
import { join } from 'node:path';
import { Hono } from 'hono';
import type { Context } from 'hono';
import { isoTime } from '../../support/clock.ts';
import type { Clock } from '../../support/clock.ts';
import { sameSecret } from '../arm/authentication.ts';
import type { BlobFiles } from './blob-files.ts';
import { xmlError } from './blob-router.ts';
import { fileReply } from './file-reply.ts';
import { accountKey, checkSas, signSas } from './shared-access-signature.ts';

/** Azure's default for boot diagnostics links: 120 minutes. */
const LINK_LIFETIME_MS = 120 * 60_000;
/** The end of a console log that is shown; QEMU's log of a boot is some 100 KB. */
const MAX_CONSOLE_BYTES = 4 * 1024 * 1024;

const RUN_LOGS = 'packerlogs';
const CONSOLES = 'bootdiagnostics';
const RUN_ID = /^[A-Za-z0-9-]{1,64}$/;
const LOG_FILES = ['customization.log', 'validation.log'];

export type LogRouterDependencies = {
  readonly clock: Clock;
  readonly files: Pick<BlobFiles, 'find' | 'read'>;
  readonly dataFolder: string;
  readonly sasKey: Uint8Array;
  readonly token: string;
  /** The end of an instance's console log; empty when there is none yet. */
  readConsole(scaleSetKey: string, instanceId: string, maxBytes: number): Promise<string>;
};

export function createLogRouter(dependencies: LogRouterDependencies): Hono {
  const app = new Hono();
  app.get(`/${RUN_LOGS}/:run/:file`, async (c) => {
    const { run, file } = c.req.param();
    const refusal = authorize(c, { account: RUN_LOGS, container: run, blob: file }, dependencies);
    if (refusal !== undefined) return refusal;
    if (!RUN_ID.test(run) || !LOG_FILES.includes(file)) return notFound(c);
    const path = join(dependencies.dataFolder, 'builds', run, file);
    const facts = await dependencies.files.find(path);
    if (facts === undefined) return notFound(c);
    return fileReply(c, dependencies.files, {
      path,
      facts,
      contentType: 'text/plain; charset=utf-8',
    });
  });
  app.get(`/${CONSOLES}/:set/:instance/serialconsole.log`, async (c) => {
    const { set, instance } = c.req.param();
    const blob = `${instance}/serialconsole.log`;
    const refusal = authorize(c, { account: CONSOLES, container: set, blob }, dependencies);
    if (refusal !== undefined) return refusal;
    const key = Buffer.from(set, 'base64url').toString('utf8');
    const text = await dependencies.readConsole(key, instance, MAX_CONSOLE_BYTES);
    c.header('Content-Type', 'text/plain; charset=utf-8');
    return c.body(text);
  });
  return app;
}

export type LinkSigner = { readonly sasKey: Uint8Array; readonly clock: Pick<Clock, 'now'> };

/** The address of a run's log, signed for two hours. */
export function runLogUri(
  baseUrl: string,
  runId: string,
  file: string,
  signer: LinkSigner,
): string {
  return signedUri(baseUrl, { account: RUN_LOGS, container: runId, blob: file }, signer);
}

/** The address of an instance's console log, signed for two hours. */
export function consoleLogUri(
  baseUrl: string,
  scaleSetKey: string,
  instanceId: string,
  signer: LinkSigner,
): string {
  const container = Buffer.from(scaleSetKey).toString('base64url');
  return signedUri(
    baseUrl,
    { account: CONSOLES, container, blob: `${instanceId}/serialconsole.log` },
    signer,
  );
}

type Place = { readonly account: string; readonly container: string; readonly blob: string };

function signedUri(
  baseUrl: string,
  { account, container, blob }: Place,
  { sasKey, clock }: LinkSigner,
): string {
  const grant = {
    canonicalizedResource: `/blob/${account}/${container}/${blob}`,
    signedResource: 'b',
    signedPermission: 'r',
    signedExpiry: isoTime(clock.now() + LINK_LIFETIME_MS),
  } as const;
  return `${baseUrl}/${account}/${container}/${blob}?${signSas(grant, accountKey(sasKey, account))}`;
}

function authorize(
  c: Context,
  place: Place,
  { clock, sasKey, token }: LogRouterDependencies,
): Response | undefined {
  const bearer = /^Bearer +(\S+)\s*$/i.exec(c.req.header('authorization') ?? '')?.[1];
  if (bearer !== undefined && sameSecret(bearer, token)) return undefined;
  const asked = { ...place, permission: 'r', nowMs: clock.now() };
  const verdict = checkSas(
    new URL(c.req.url).searchParams,
    asked,
    accountKey(sasKey, place.account),
  );
  if (verdict.ok) return undefined;
  return xmlError(
    c,
    403,
    'AuthenticationFailed',
    `Server failed to authenticate the request: ${verdict.why}.`,
  );
}

function notFound(c: Context): Response {
  return xmlError(c, 404, 'BlobNotFound', 'There is no such log, or not yet.');
}
