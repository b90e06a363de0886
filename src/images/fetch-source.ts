// Downloads scripts and files that templates name, trusting the local CA besides the public ones.
import { createWriteStream } from 'node:fs';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rootCertificates } from 'node:tls';
import { Agent, fetch } from 'undici';
import { FETCH_BYTES_MAX, FETCH_TIMEOUT_MS } from './limits.ts';

/** Writes what `url` serves to `toFile`; rejects with a sentence, FetchRefused for a final answer. */
export type FetchSource = (url: string, toFile: string, signal: AbortSignal) => Promise<void>;

/** The server answered that it will not serve this: asking again is useless. */
export class FetchRefused extends Error {
  override readonly name = 'FetchRefused';
}

/** `ca`: PEM of the control plane's own CA, under which its blobs are served. */
export function createFetchSource(ca: string): FetchSource {
  const dispatcher = new Agent({ connect: { ca: [...rootCertificates, ca] } });
  return async (url, toFile, signal) => {
    if (!/^https?:\/\//i.test(url)) {
      throw new FetchRefused('only http and https addresses can be fetched');
    }
    const limit = AbortSignal.any([signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
    const response = await fetch(url, { dispatcher, signal: limit });
    if (response.status >= 400 && response.status < 500) {
      throw new FetchRefused(`the server answered ${response.status} ${response.statusText}`);
    }
    if (!response.ok || response.body === null) {
      throw new Error(`the server answered ${response.status} ${response.statusText}`);
    }
    await pipeline(Readable.fromWeb(response.body), sizeLimit(), createWriteStream(toFile));
  };
}

function sizeLimit(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes <= FETCH_BYTES_MAX) done(null, chunk);
      else done(new FetchRefused(`the file is larger than ${FETCH_BYTES_MAX} bytes`));
    },
  });
}
