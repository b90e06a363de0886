// Downloads what a template names (scripts, archives) to a file, trusting our own CA besides the
// usual ones.
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rootCertificates } from 'node:tls';
import { Agent, request } from 'undici';

/** Azure advises at most 20 MB for a File customizer; an archive of an app may be larger. */
const SOURCE_BYTES_MAX = 2 * 1024 ** 3;
const SOURCE_TIMEOUT_MS = 30_000;

export type FetchSource = (url: string, toFile: string, signal: AbortSignal) => Promise<void>;

/** Throws one sentence that names the URL without its query, which may hold a signature. */
export function fetchSourceWith(caPem: string): FetchSource {
  const dispatcher = new Agent({
    connect: { ca: [...rootCertificates, caPem] },
    headersTimeout: SOURCE_TIMEOUT_MS,
    bodyTimeout: SOURCE_TIMEOUT_MS,
  });
  return async (url, toFile, signal) => {
    const named = url.split('?')[0];
    const answer = await request(url, { dispatcher, signal }).catch((error: unknown) => {
      throw new Error(`${named} could not be fetched: ${sentenceOf(error)}`, { cause: error });
    });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new Error(`${named} could not be fetched: it answered ${answer.statusCode}`);
    }
    await pipeline(answer.body, limited(named ?? url), createWriteStream(toFile), { signal });
  };
}

function limited(name: string): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= SOURCE_BYTES_MAX) return done(null, chunk);
      return done(new Error(`${name} is larger than ${SOURCE_BYTES_MAX / 1024 ** 3} GiB`));
    },
  });
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
