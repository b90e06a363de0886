// Which Debian mirror this machine uses: the base image comes from there, and keeps nothing of it.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readTextIfThere } from './files.ts';

const APT = '/etc/apt';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

const PUBLIC = {
  main: 'http://deb.debian.org/debian',
  security: 'http://security.debian.org/debian-security',
} as const;

type Entry = { readonly uri: string; readonly suite: string };

/** One-line sources for mmdebstrap: release, updates, security. Debian's own where none is set. */
export async function hostDebianMirrors(suite: string): Promise<readonly string[]> {
  const entries = await hostEntries();
  const uriOf = (wanted: string, otherwise: string): string =>
    entries.find((entry) => entry.suite === wanted)?.uri ?? otherwise;
  const main = uriOf(suite, PUBLIC.main);
  const lines = [
    [main, suite],
    [uriOf(`${suite}-updates`, main), `${suite}-updates`],
    [uriOf(`${suite}-security`, PUBLIC.security), `${suite}-security`],
  ];
  return lines.map(([uri, name]) => `deb [signed-by=${KEYRING}] ${uri} ${name} main`);
}

async function hostEntries(): Promise<readonly Entry[]> {
  const folder = path.join(APT, 'sources.list.d');
  const names = await readdir(folder).catch(() => []);
  const files = [path.join(APT, 'sources.list'), ...names.map((name) => path.join(folder, name))];
  const texts = await Promise.all(
    files.map(async (f) => [f, (await readTextIfThere(f)) ?? ''] as const),
  );
  return texts.flatMap(([f, text]) =>
    f.endsWith('.sources') ? deb822Entries(text) : oneLineEntries(text),
  );
}

/** Only entries whose URI ends in Debian's own path: third parties use suite names, too. Pure. */
export function oneLineEntries(text: string): readonly Entry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s/.exec(`${line.trim()} `);
    return match === null ? [] : debianOnly(match[1] ?? '', match[2] ?? '');
  });
}

/** Pure. */
export function deb822Entries(text: string): readonly Entry[] {
  return text.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string[] =>
      (new RegExp(`^${name}:(.*)$`, 'im').exec(stanza)?.[1] ?? '')
        .trim()
        .split(/\s+/)
        .filter(Boolean);
    if (!field('Types').includes('deb') || field('Enabled')[0]?.toLowerCase() === 'no') return [];
    return field('URIs').flatMap((uri) =>
      field('Suites').flatMap((suite) => debianOnly(uri, suite)),
    );
  });
}

function debianOnly(uri: string, suite: string): readonly Entry[] {
  return /\/debian(-security)?\/?$/.test(uri) ? [{ uri, suite }] : [];
}
