// The blob data plane: Put Blob, Get Blob and its head, with a SAS in the URL as the credential.
// Azure Storage's own shapes, errors in XML, so that the same client works on both.
import { Hono } from 'hono';
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../support/clock.ts';
import { BlobTooLarge } from './blob-files.ts';
import type { BlobFiles, BlobName } from './blob-files.ts';
import { fileReply } from './file-reply.ts';
import { accountKey, checkSas, SAS_VERSION } from './shared-access-signature.ts';

/** Azure's limit of one Put Blob. */
const MAX_BLOB_BYTES = 5000 * 1024 * 1024;
const PERMISSIONS: Readonly<Record<string, string>> = {
  GET: 'r',
  HEAD: 'r',
  PUT: 'w',
  DELETE: 'd',
};

export type BlobRouterDependencies = {
  readonly store: Pick<Store, 'list'>;
  readonly clock: Clock;
  readonly files: BlobFiles;
  readonly sasKey: Uint8Array;
};

/** Answers `/{account}/{container}/{blob…}`. */
export function createBlobRouter(dependencies: BlobRouterDependencies): Hono {
  const app = new Hono();
  app.all('/:account/:container/*', async (c) => {
    const blob = parseBlobPath(c);
    if (blob === undefined)
      return xmlError(
        c,
        400,
        'InvalidUri',
        'The requested URI does not represent any resource on the server.',
      );
    c.header('x-ms-version', SAS_VERSION);
    const refusal = authorize(c, blob, dependencies);
    if (refusal !== undefined) return refusal;
    if (!(await containerExists(blob, dependencies))) {
      return xmlError(c, 404, 'ContainerNotFound', 'The specified container does not exist.');
    }
    const path = dependencies.files.pathOf(blob);
    if (path === undefined)
      return xmlError(
        c,
        400,
        'InvalidResourceName',
        'The specified resource name contains invalid characters.',
      );
    switch (c.req.raw.method) {
      case 'PUT':
        return putBlob(c, path, dependencies);
      case 'GET':
      case 'HEAD':
        return getBlob(c, path, dependencies);
      default:
        return xmlError(
          c,
          405,
          'UnsupportedHttpVerb',
          'The resource does not support the specified HTTP verb: Put Blob and Get Blob are served here.',
        );
    }
  });
  return app;
}

function parseBlobPath(c: Context): BlobName | undefined {
  const [, account = '', container = '', ...rest] = new URL(c.req.url).pathname.split('/');
  try {
    const blob = rest.map(decodeURIComponent).join('/');
    // A NUL cannot be in a file's name; an encoded slash is the blob's own.
    return blob === '' || blob.includes('\0') ? undefined : { account, container, blob };
  } catch {
    return undefined;
  }
}

function authorize(
  c: Context,
  blob: BlobName,
  { clock, sasKey }: BlobRouterDependencies,
): Response | undefined {
  const permission = PERMISSIONS[c.req.raw.method] ?? 'r';
  const query = new URL(c.req.url).searchParams;
  const key = accountKey(sasKey, blob.account);
  const asked = { ...blob, permission, nowMs: clock.now() };
  const verdict = checkSas(query, asked, key);
  if (verdict.ok) return undefined;
  return xmlError(
    c,
    403,
    'AuthenticationFailed',
    `Server failed to authenticate the request: ${verdict.why}.`,
  );
}

async function containerExists(
  { account, container }: BlobName,
  { store }: BlobRouterDependencies,
): Promise<boolean> {
  const containers = await store.list('resource', {
    type: 'microsoft.storage/storageaccounts/blobservices/containers',
  });
  const suffix = `/storageaccounts/${account}/blobservices/default/containers/${container}`;
  return containers.some(({ key }) => key.endsWith(suffix));
}

async function putBlob(
  c: Context,
  path: string,
  { files }: BlobRouterDependencies,
): Promise<Response> {
  const query = new URL(c.req.url).searchParams;
  const type = c.req.header('x-ms-blob-type');
  if (query.has('comp') || type?.toLowerCase() !== 'blockblob') {
    return xmlError(
      c,
      400,
      'InvalidHeaderValue',
      `Put Blob with x-ms-blob-type: BlockBlob is served here; this was '${type ?? query.get('comp') ?? ''}'.`,
    );
  }
  const declared = c.req.header('content-length');
  if (declared === undefined)
    return xmlError(c, 411, 'MissingContentLengthHeader', 'Content-Length is required.');
  const length = Number(declared);
  if (!(length <= MAX_BLOB_BYTES))
    return xmlError(
      c,
      413,
      'RequestBodyTooLarge',
      `A blob of one Put Blob has at most ${MAX_BLOB_BYTES} bytes.`,
    );
  const mustCreate = c.req.header('if-none-match') === '*';
  if (mustCreate && (await files.find(path)) !== undefined) {
    return xmlError(c, 409, 'BlobAlreadyExists', 'The specified blob already exists.');
  }
  try {
    const written = await files.write(path, chunksOf(c.req.raw), length);
    if (written !== length) throw new BlobTooLarge(`${written} of ${length} bytes came`);
  } catch (error) {
    if (!(error instanceof BlobTooLarge)) throw error;
    return xmlError(
      c,
      400,
      'InvalidInput',
      `The body does not have the announced length: ${error.message}.`,
    );
  }
  c.header('x-ms-request-server-encrypted', 'false');
  return c.body(null, 201);
}

async function* chunksOf(request: Request): AsyncGenerator<Uint8Array> {
  if (request.body !== null) yield* request.body;
}

async function getBlob(
  c: Context,
  path: string,
  { files }: BlobRouterDependencies,
): Promise<Response> {
  const facts = await files.find(path);
  if (facts === undefined)
    return xmlError(c, 404, 'BlobNotFound', 'The specified blob does not exist.');
  c.header('x-ms-blob-type', 'BlockBlob');
  return fileReply(c, files, { path, facts, contentType: 'application/octet-stream' });
}

export function xmlError(
  c: Context,
  status: ContentfulStatusCode,
  code: string,
  message: string,
): Response {
  const text = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  c.header('x-ms-error-code', code);
  c.header('Content-Type', 'application/xml');
  const head = '<?xml version="1.0" encoding="utf-8"?>';
  return c.body(`${head}<Error><Code>${code}</Code><Message>${text}</Message></Error>`, status);
}
