// Azure Storage's blobs by signed URL: is it there, put it, read the rest of it.
import { CommandFailure } from '../failure.ts';
import type { HttpAnswer, HttpClient } from './http.ts';

/** Azure Storage's own version header, of the shapes used here. */
const STORAGE_VERSION = '2023-11-03';

export class BlobClient {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  async exists(url: string): Promise<boolean> {
    const answer = await this.#http.send({
      method: 'HEAD',
      url,
      authorize: false,
      headers: { 'x-ms-version': STORAGE_VERSION },
    });
    if (answer.status === 404) return false;
    if (answer.status === 200) return true;
    throw failure('looked for', url, answer);
  }

  async put(url: string, content: Buffer): Promise<void> {
    const answer = await this.#http.send({
      method: 'PUT',
      url,
      authorize: false,
      body: content,
      headers: {
        'x-ms-version': STORAGE_VERSION,
        'x-ms-blob-type': 'BlockBlob',
        'content-type': 'application/octet-stream',
      },
    });
    if (answer.status !== 201) throw failure('sent', url, answer);
  }

  /** What follows byte `from`; empty when there is nothing more (or nothing at all) yet. */
  async readFrom(url: string, from: number): Promise<Buffer> {
    const headers = { 'x-ms-version': STORAGE_VERSION, range: `bytes=${from}-` };
    const answer = await this.#http.send({ method: 'GET', url, authorize: false, headers });
    if (answer.status === 206) return answer.body;
    // A server that ignores ranges sends all of it.
    if (answer.status === 200) return answer.body.subarray(from);
    if (answer.status === 416 || answer.status === 404) return Buffer.alloc(0);
    throw failure('read', url, answer);
  }
}

function failure(what: string, url: string, answer: HttpAnswer): CommandFailure {
  const { origin, pathname } = new URL(url);
  const code = /<Code>([^<]+)<\/Code>/.exec(answer.body.toString('utf8'))?.[1];
  const why = code === undefined ? `HTTP ${answer.status}` : `HTTP ${answer.status}, ${code}`;
  return new CommandFailure(`${origin}${pathname} could not be ${what}: ${why}`);
}
