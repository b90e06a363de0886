// Finds the clone this program was compiled in, wherever below it the output lies.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A path inside the clone. */
export function inProject(...names: string[]): string {
  return join(PROJECT, ...names);
}

const PROJECT = folderOfPackage(dirname(fileURLToPath(import.meta.url)));

function folderOfPackage(from: string): string {
  if (existsSync(join(from, 'package.json'))) return from;
  const above = dirname(from);
  if (above === from) throw new Error(`no package.json above ${import.meta.url}`);
  return folderOfPackage(above);
}
