// A file as an HTTP reply: whole, a byte range of it, or its headers alone.
import type { Context } from 'hono';
import type { BlobFacts, BlobFiles } from './blob-files.ts';

export type ServedFile = {
  readonly path: string;
  readonly facts: BlobFacts;
  readonly contentType: string;
};

/** 200, 206, or 416 for a range behind the end. `x-ms-range` wins over `Range`, as on Azure. */
export function fileReply(c: Context, files: Pick<BlobFiles, 'read'>, file: ServedFile): Response {
  const { sizeBytes, modifiedMs } = file.facts;
  c.header('Content-Type', file.contentType);
  c.header('Accept-Ranges', 'bytes');
  c.header('Last-Modified', new Date(modifiedMs).toUTCString());
  c.header('ETag', `"${sizeBytes.toString(16)}-${Math.round(modifiedMs).toString(16)}"`);
  const range = parseRange(c.req.header('x-ms-range') ?? c.req.header('range'), sizeBytes);
  if (range === 'unsatisfiable') {
    c.header('Content-Range', `bytes */${sizeBytes}`);
    return c.body(null, 416);
  }
  const { start, end } = range ?? { start: 0, end: sizeBytes - 1 };
  c.header('Content-Length', String(end - start + 1));
  if (range !== undefined) c.header('Content-Range', `bytes ${start}-${end}/${sizeBytes}`);
  const status = range === undefined ? 200 : 206;
  if (c.req.raw.method === 'HEAD' || sizeBytes === 0) return c.body(null, status);
  // Named ends, because a log may grow while it is read.
  return c.body(files.read(file.path, { start, end }), status);
}

/** One range of bytes; anything else is ignored, as RFC 9110 allows. */
export function parseRange(
  header: string | undefined,
  sizeBytes: number,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, first = '', last = ''] = match ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') {
    const length = Math.min(Number(last), sizeBytes);
    return length === 0 ? 'unsatisfiable' : { start: sizeBytes - length, end: sizeBytes - 1 };
  }
  const start = Number(first);
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (start >= sizeBytes) return 'unsatisfiable';
  return end < start ? undefined : { start, end };
}
