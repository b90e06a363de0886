// Packs a folder into the same tar.gz for the same content: sorted, without times and owners, so
// that unchanged sources are sent, and baked, once. .gitignore and .rollsetignore are honoured.
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import ignore from 'ignore';
import type { Ignore } from 'ignore';
import { pack } from 'tar-stream';
import type { Pack } from 'tar-stream';
import { CommandFailure } from '../failure.ts';

/** Content-addressed: `name` is the SHA-256 of `content` with its ending. */
export type Blob = {
  readonly name: string;
  readonly sha256: string;
  readonly content: Buffer;
};

/** Azure advises 20 MB for a File customizer; far above it a forgotten ignore file is likely. */
const SOURCE_BYTES_MAX = 256 * 1024 * 1024;
const IGNORE_FILES = ['.gitignore', '.rollsetignore'];

type Entry = { readonly path: string; readonly name: string; readonly stats: Stats };
type Rules = { readonly prefix: string; readonly matcher: Ignore };

/** `root`: the folder whose ignore files count, `folder` itself or one around it. */
export async function packFolder(folder: string, root: string): Promise<Blob> {
  const entries: Entry[] = [];
  await collect(folder, '', await rulesAround(folder, root), entries);
  const bytes = entries.reduce((sum, { stats }) => sum + (stats.isFile() ? stats.size : 0), 0);
  if (bytes > SOURCE_BYTES_MAX) {
    throw new CommandFailure(
      `${folder} holds ${Math.round(bytes / 1024 / 1024)} MiB, more than the ${SOURCE_BYTES_MAX / 1024 / 1024} MiB that are sent: leave things out with .rollsetignore`,
    );
  }
  const tar = pack();
  const [content] = await Promise.all([buffer(tar), writeEntries(tar, entries)]);
  return toBlob(await gzipSame(content), '.tar.gz');
}

export async function readBlob(file: string): Promise<Blob> {
  return toBlob(await readFile(file), '');
}

export function toBlob(content: Buffer, ending: string): Blob {
  const sha256 = createHash('sha256').update(content).digest('hex');
  return { name: `${sha256}${ending}`, sha256, content };
}

async function collect(folder: string, prefix: string, around: Rules[], entries: Entry[]) {
  const rules = [...around, ...(await rulesOf(folder, prefix))];
  const names = (await readdir(folder)).toSorted((a, b) => Buffer.from(a).compare(Buffer.from(b)));
  for (const name of names) {
    const path = join(folder, name);
    const relative = `${prefix}${name}`;
    const stats = await lstat(path);
    if (name === '.git' || isIgnored(relative, stats.isDirectory(), rules)) continue;
    if (stats.isDirectory()) {
      entries.push({ path, name: `${relative}/`, stats });
      await collect(path, `${relative}/`, rules, entries);
    } else if (stats.isFile() || stats.isSymbolicLink()) {
      entries.push({ path, name: relative, stats });
    }
  }
}

/** Rules of the folders from `root` down to, not including, `folder`. Paths count from `folder`. */
async function rulesAround(folder: string, root: string): Promise<Rules[]> {
  if (folder === root || !folder.startsWith(`${root}/`)) return [];
  const found: Rules[] = [];
  const parts = folder.slice(root.length + 1).split('/');
  for (const depth of parts.keys()) {
    const outer = join(root, ...parts.slice(0, depth));
    found.push(...(await rulesOf(outer, `../${parts.slice(depth).join('/')}/`)));
  }
  return found;
}

async function rulesOf(folder: string, prefix: string): Promise<Rules[]> {
  const texts = await Promise.all(
    IGNORE_FILES.map((name) => readFile(join(folder, name), 'utf8').catch(absent)),
  );
  const known = texts.filter((text) => text !== undefined);
  return known.length === 0 ? [] : [{ prefix, matcher: ignore().add(known.join('\n')) }];
}

function absent(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}

/** The innermost file that speaks of a path decides, as in git. */
function isIgnored(path: string, isDirectory: boolean, rules: readonly Rules[]): boolean {
  return rules.reduce((ignored, { prefix, matcher }) => {
    const relative = prefix.startsWith('../')
      ? `${prefix.slice(3)}${path}`
      : path.slice(prefix.length);
    const verdict = matcher.test(isDirectory ? `${relative}/` : relative);
    if (verdict.ignored) return true;
    return verdict.unignored ? false : ignored;
  }, false);
}

async function writeEntries(tar: Pack, entries: readonly Entry[]): Promise<void> {
  for (const { path, name, stats } of entries) {
    const common = { name, mtime: new Date(0), uid: 0, gid: 0, uname: '', gname: '' };
    // Only "may it be run" is kept: the rest of a mode differs by umask from machine to machine.
    const mode = stats.isDirectory() || (stats.mode & 0o100) !== 0 ? 0o755 : 0o644;
    if (stats.isDirectory()) tar.entry({ ...common, type: 'directory', mode });
    else if (stats.isSymbolicLink()) {
      tar.entry({ ...common, type: 'symlink', linkname: await readlink(path), mode: 0o777 });
    } else tar.entry({ ...common, type: 'file', mode }, await readFile(path));
  }
  tar.finalize();
}

const gzipAsync = promisify(gzip);

async function gzipSame(content: Buffer): Promise<Buffer> {
  const packed = await gzipAsync(content, { level: 9 });
  // Byte 9 of a gzip header names the operating system: 255 is "unknown".
  packed[9] = 255;
  return packed;
}
