// Keeps the architecture true by reading the tree: who imports whom, how long files are, which calls
// are banned where. Each message says what to do instead.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const ROOT = dirname(import.meta.dirname);

/**
 * What each folder of src may import besides itself. `x.ts` allows that one file: a port. The server
 * is not listed: it constructs and wires everything.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  model: [],
  support: [],
  planning: ['model', 'support/assert.ts'],
  checks: ['model', 'planning', 'support/assert.ts'],
  store: ['model', 'support'],
  operations: ['model', 'support', 'store'],
  reconcile: ['model', 'support', 'store', 'operations', 'planning', 'checks'].concat([
    'engines/engine.ts',
    'health/health.ts',
    'balancer/balancer.ts',
    // Pure readers of version rows: one rule of what a version is, for all who look at rows.
    'gallery/read-versions.ts',
    'gallery/manifest.ts',
  ]),
  // The simulated engine brings its own balancer along.
  engines: ['model', 'support', 'balancer/balancer.ts'],
  health: ['model', 'support', 'engines/engine.ts'],
  balancer: ['model', 'support'],
  // A run publishes what it built: it makes the gallery's rows.
  images: ['model', 'support', 'store', 'operations', 'planning'].concat([
    'engines/engine.ts',
    'gallery',
  ]),
  gallery: ['model', 'support', 'store', 'operations', 'planning', 'engines/engine.ts'],
  // It shows `latest` by the planner's own rule, over the same rows.
  api: ['model', 'support', 'store', 'operations', 'planning', 'gallery/read-versions.ts'],
  // `rollset up` starts the control plane in its own process; all else goes through HTTPS.
  cli: ['model', 'support', 'server/up.ts'],
  demo: ['support'],
};

/** Over 300 lines there is usually a second noun in a file. Each exception says why there is none. */
const LONG_FILES: Record<string, string> = {};
const MAX_LINES = 300;

const PURE = ['model', 'planning', 'checks'];
const DECIDING = [...PURE, 'store', 'operations', 'reconcile', 'gallery', 'api'];

type Ban = {
  readonly call: RegExp;
  readonly folders?: readonly string[];
  readonly except?: readonly string[];
  readonly instead: string;
};
const BANS: readonly Ban[] = [
  {
    call: /\basync\b|\bawait\b|\bPromise\b/,
    folders: PURE,
    instead: 'return a step or a view; let a reconciler do the waiting',
  },
  {
    call: /\bDate\.now|\bnew Date\(\)|\bperformance\.|\bprocess\.|\bconsole\./,
    folders: PURE,
    instead: 'take the time as a field of the view, and return a note instead of logging',
  },
  { call: /from 'node:/, folders: PURE, instead: 'move the input or output to an adapter' },
  {
    call: /\bMath\.random\(|\brandomUUID\(/,
    except: ['src/support/ids.ts'],
    instead: 'take an Ids (support/ids.ts)',
  },
  {
    call: /\bDate\.now\(|\bnew Date\(\)/,
    except: ['src/support/clock.ts'],
    instead: 'take a Clock (support/clock.ts)',
  },
  {
    call: /\bset(?:Timeout|Interval)\(|timers\/promises/,
    folders: DECIDING,
    instead: 'take a Clock (support/clock.ts) and sleep on it',
  },
  { call: /\bas any\b|@ts-ignore|@ts-expect-error/, instead: 'parse unknown input with a schema' },
];

const sources = filesBelow('src', '.ts');
const production = sources.filter(
  (file) => !/\.test\.ts$|\/testing\.ts$|\/conformance\.ts$/.test(file),
);

test('imports point one way', () => {
  expect(
    production.flatMap((file) => importsOf(file).flatMap((target) => misdirected(file, target))),
  ).toEqual([]);
});

test('banned calls are not made', () => {
  expect(production.flatMap(bannedCalls)).toEqual([]);
});

test('files stay short and are named for what they do', () => {
  const tooLong = production.filter(
    (file) => linesOf(file).length > MAX_LINES && !(file in LONG_FILES),
  );
  expect(
    tooLong.map(
      (file) => `${file} has ${linesOf(file).length} lines: look for a second noun and move it out`,
    ),
  ).toEqual([]);
  expect(
    Object.keys(LONG_FILES).filter(
      (file) => !production.includes(file) || linesOf(file).length <= MAX_LINES,
    ),
  ).toEqual([]);
  const vague = sources.filter(
    (file) =>
      /\b(utils?|helpers?|manager|common|misc|index)\.ts$/.test(file) || /[A-Z_]/.test(file),
  );
  expect(vague.map((file) => `${file}: name it, in kebab-case, after what it does`)).toEqual([]);
});

test('a file begins with a comment that says what it does', () => {
  expect(production.filter((file) => !/^(#!.*)?\/[/*]/.test(linesOf(file)[0] ?? ''))).toEqual([]);
});

test('every subsystem has a README', () => {
  const folders = readdirSync(join(ROOT, 'src'));
  const missing = folders.filter(
    (name) =>
      statSync(join(ROOT, 'src', name, 'README.md'), { throwIfNoEntry: false }) === undefined,
  );
  expect(
    missing.map(
      (name) =>
        `src/${name} needs a README: purpose, words, invariants with their tests, one command`,
    ),
  ).toEqual([]);
});

test('every document has exactly one title', () => {
  const documents = [
    'README.md',
    'CONTRIBUTING.md',
    ...['docs', 'src', 'examples', 'bench', 'test'].flatMap((top) => filesBelow(top, '.md')),
  ];
  expect(
    documents
      .filter((file) => titlesOf(file).length !== 1)
      .map((file) => `${file}: titles ${titlesOf(file).join(' | ')}`),
  ).toEqual([]);
});

function misdirected(file: string, target: string): string[] {
  const [from = '', to = ''] = [file, target].map((path) => path.split('/')[1] ?? '');
  if (
    from === 'api' &&
    file.startsWith('src/api/arm/') &&
    to === 'api' &&
    !target.startsWith('src/api/arm/')
  )
    return [`${file} imports ${target}: api/arm knows no resource type; pass in what it needs`];
  if (from === to || from === 'server') return [];
  const allowed = MAY_IMPORT[from]?.some(
    (entry) => target === `src/${entry}` || target.startsWith(`src/${entry}/`),
  );
  return allowed === true
    ? []
    : [
        `${file} imports ${target}: ${from} may import ${MAY_IMPORT[from]?.join(', ')}; declare a port and let src/server pass it in`,
      ];
}

function importsOf(file: string): string[] {
  return [...readFileSync(join(ROOT, file), 'utf8').matchAll(/(?:from |import\()'(\.[^']+)'/g)].map(
    (match) => normalize(join(dirname(file), match[1] ?? '')),
  );
}

function bannedCalls(file: string): string[] {
  const folder = file.split('/')[1] ?? '';
  const bans = BANS.filter(
    (ban) => (ban.folders?.includes(folder) ?? true) && ban.except?.includes(file) !== true,
  );
  return linesOf(file).flatMap((line, index) => {
    const code = line.replace(/^\s*(\*|\/\*).*|\/\/.*$/, '');
    return bans
      .filter((ban) => ban.call.test(code))
      .map((ban) => `${file}:${index + 1} ${code.trim()}: ${ban.instead}`);
  });
}

/** Headings of level one, code blocks left out. */
function titlesOf(file: string): string[] {
  return (
    readFileSync(join(ROOT, file), 'utf8')
      .replaceAll(/^```[\s\S]*?^```/gm, '')
      .match(/^# .+/gm) ?? []
  );
}

function linesOf(file: string): string[] {
  return readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n');
}

function filesBelow(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));
}
