// docs/refused-properties.md is written from the declarations, so that it never says less than the
// API refuses. UPDATE_GOLDENS=1 writes it.
import { readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { systemClock } from '../support/clock.ts';
import { createDeclarations } from './declarations.ts';
import { BlobFiles } from './storage/blob-files.ts';

const DOCUMENT = fileURLToPath(new URL('../../docs/refused-properties.md', import.meta.url));

function document(): string {
  const declarations = createDeclarations({
    subscriptionId: 'unused',
    tenantId: 'unused',
    clock: systemClock,
    sasKey: new Uint8Array(32),
    files: new BlobFiles(tmpdir(), () => 'unused'),
  });
  const sections = declarations.flatMap((declaration) => {
    const table = 'unsupported' in declaration ? declaration.unsupported : undefined;
    if (table === undefined || table.length === 0) return [];
    const rows = table.map(([path, , advice]) => `| \`${path}\` | ${advice} |`);
    return [`## ${declaration.type}\n\n| property | what to do |\n|---|---|\n${rows.join('\n')}\n`];
  });
  return [
    '# Refused properties\n',
    'What this control plane cannot honour is refused with a 400 that names the property, never dropped',
    'silently. Most are refused only when they ask for something: the value that means "no" is accepted.',
    'This page is written from the declarations in `src/api`.\n',
    ...sections,
  ].join('\n');
}

test('the document lists what the declarations refuse', async () => {
  if (process.env['UPDATE_GOLDENS'] === '1') await writeFile(DOCUMENT, document());
  expect(await readFile(DOCUMENT, 'utf8')).toBe(document());
});
