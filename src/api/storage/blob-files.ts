// Blobs as files: `DATA/blobs/{account}/{container}/{encoded name}`, each whole or absent.
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';

export type BlobName = {
  readonly account: string;
  readonly container: string;
  /** May hold `/`. */
  readonly blob: string;
};
export type BlobFacts = { readonly sizeBytes: number; readonly modifiedMs: number };

/** A blob that is larger than it said, or than a single Put Blob may be. */
export class BlobTooLarge extends Error {
  override readonly name = 'BlobTooLarge';
}

/** Of the percent-encoded name: most file systems take 255 bytes. */
const MAX_NAME_BYTES = 250;

export class BlobFiles {
  readonly #root: string;
  readonly #incoming: string;
  readonly #uniqueName: () => string;
  #ready: Promise<unknown> | undefined;

  /** `dataFolder/blobs` holds the blobs, `dataFolder/blobs/.incoming` those still arriving. */
  constructor(dataFolder: string, uniqueName: () => string) {
    this.#root = join(dataFolder, 'blobs');
    this.#incoming = join(this.#root, '.incoming');
    this.#uniqueName = uniqueName;
  }

  /**
   * Undefined for a name that cannot be a file. One flat file per blob, because `a` and `a/b` may
   * both be blobs and cannot both be paths.
   */
  pathOf({ account, container, blob }: BlobName): string | undefined {
    const file = encodeURIComponent(blob).replaceAll('*', '%2A');
    if (/^\.*$/.test(file) || file.length > MAX_NAME_BYTES) return undefined;
    return join(this.#root, account, container, file);
  }

  async find(path: string): Promise<BlobFacts | undefined> {
    try {
      const found = await stat(path);
      return found.isFile() ? { sizeBytes: found.size, modifiedMs: found.mtimeMs } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Streams `content` to disk and makes it durable before it is visible. Returns its size. */
  async write(path: string, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<number> {
    // The first write removes what a crash left half-written.
    this.#ready ??= this.#emptyIncoming();
    await this.#ready;
    const temporary = join(this.#incoming, this.#uniqueName());
    try {
      const sizeBytes = await writeStream(temporary, content, maxBytes);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await rename(temporary, path);
      await syncFolder(dirname(path));
      return sizeBytes;
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async #emptyIncoming(): Promise<void> {
    await rm(this.#incoming, { recursive: true, force: true });
    await mkdir(this.#incoming, { recursive: true, mode: 0o700 });
  }

  /** Bytes `start` to `end`, both included. */
  read(path: string, range?: { readonly start: number; readonly end: number }): ReadableStream {
    return Readable.toWeb(createReadStream(path, range)) as ReadableStream;
  }

  async removeAccount(account: string): Promise<void> {
    await rm(join(this.#root, account), { recursive: true, force: true });
  }
}

async function writeStream(
  path: string,
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<number> {
  const file = await open(path, 'wx', 0o600);
  try {
    let size = 0;
    for await (const chunk of content) {
      size += chunk.byteLength;
      if (size > maxBytes) throw new BlobTooLarge(`more than ${maxBytes} bytes came`);
      await file.appendFile(chunk);
    }
    await file.sync();
    return size;
  } finally {
    await file.close();
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function isAbsent(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}
