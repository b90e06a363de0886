// Files that survive a crash: written beside their place, synced, then renamed.
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, chown, open, readFile, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Digest } from '../../model/image.ts';

export type FileOwner = { readonly uid: number; readonly gid: number };

/** Moves a finished file to its name for ever, and makes that durable. */
export async function publishFile(temporary: string, file: string, mode: number): Promise<void> {
  await chmod(temporary, mode);
  const handle = await open(temporary, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
  await syncFolder(path.dirname(file));
}

export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function giveTo(
  file: string,
  owner: FileOwner | undefined,
  mode: number,
): Promise<void> {
  if (owner !== undefined) await chown(file, owner.uid, owner.gid);
  await chmod(file, mode);
}

export async function fileExists(file: string): Promise<boolean> {
  return (await fileSize(file)) !== undefined;
}

export async function fileSize(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export async function readTextIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** The last `maxBytes` of a text; empty when there is none. */
export async function readTail(file: string, maxBytes: number): Promise<string> {
  const size = (await fileSize(file)) ?? 0;
  if (size === 0) return '';
  const handle = await open(file, 'r');
  try {
    const length = Math.min(size, maxBytes);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, size - length);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } finally {
    await handle.close();
  }
}

export async function digestOfFile(file: string): Promise<Digest> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 }))
    hash.update(chunk);
  return `sha256:${hash.digest('hex')}`;
}

export function digestOfBytes(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export function isNotFound(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ENOENT' || error.code === 'ENOTDIR')
  );
}
