// Every folder with numbered steps is a scenario: requests over HTTPS, replies compared.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { ContractServer } from './harness.ts';
import type { Reply, Step } from './harness.ts';

const ROOT = import.meta.dirname;

test.each(scenarios())('%s', async (folder) => {
  const server = await ContractServer.start();
  try {
    for (const file of stepsOf(folder)) {
      const raw = JSON.parse(readFileSync(join(ROOT, folder, file), 'utf8')) as Step;
      const { step, reply } = await server.run(raw);
      if (step.response !== undefined && reply !== undefined) {
        const seen = `${file}: ${reply.status} ${reply.text.slice(0, 2000)}\n${server.logged.join('\n')}`;
        compare(step.response, reply, seen);
      }
    }
    expect(server.logged).toEqual([]);
  } finally {
    await server.close();
  }
});

function scenarios(): string[] {
  return readdirSync(ROOT, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((folder) => stepsOf(folder).length > 0)
    .toSorted();
}

function stepsOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((file) => /^\d\d-.*\.json$/.test(file))
    .toSorted();
}

function compare(wanted: NonNullable<Step['response']>, reply: Reply, seen: string): void {
  expect(reply.status, seen).toBe(wanted.status);
  for (const [name, value] of Object.entries(wanted.headers ?? {})) {
    expect(reply.headers[name] ?? null, `${name} of ${seen}`).toEqual(toMatcher(value));
  }
  if (wanted.body !== undefined) expect(reply.body, seen).toEqual(toMatcher(wanted.body));
}

/** Objects must be contained, arrays have the same length, `~` begins a pattern, null is absent. */
function toMatcher(wanted: unknown): unknown {
  if (typeof wanted === 'string' && wanted.startsWith('~')) {
    return expect.stringMatching(new RegExp(wanted.slice(1)));
  }
  if (Array.isArray(wanted)) return wanted.map(toMatcher);
  if (typeof wanted !== 'object' || wanted === null) return wanted;
  return {
    asymmetricMatch: (actual: unknown) => contains(wanted as Record<string, unknown>, actual),
    toString: () => 'Containing',
    toAsymmetricMatcher: () => JSON.stringify(wanted),
  };
}

function contains(wanted: Record<string, unknown>, actual: unknown): boolean {
  if (typeof actual !== 'object' || actual === null) return false;
  const fields = actual as Record<string, unknown>;
  return Object.entries(wanted).every(([key, value]) => {
    if (value === null) return fields[key] === undefined || fields[key] === null;
    try {
      expect(fields[key]).toEqual(toMatcher(value));
      return true;
    } catch {
      return false;
    }
  });
}
