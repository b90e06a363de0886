// Turns what the schema found into sentences that name the field and what to write. Pure.
import { closest, distance } from 'fastest-levenshtein';
import type { z } from 'zod';
import { NOT_EVALUATED_YET } from './schema.ts';

export type Path = readonly (string | number)[];
export type Problem = {
  /** Where the value, or the key that should not be there, stands. */
  readonly path: Path;
  /** True when `path` names a key that is wrong itself. */
  readonly atKey: boolean;
  readonly sentence: string;
};

type Issue = z.core.$ZodIssue;

export function describeIssues(issues: readonly Issue[], schema: z.ZodType): Problem[] {
  return issues.flatMap((issue) => describeIssue(issue, [], schema));
}

function describeIssue(issue: Issue, parent: Path, schema: z.ZodType): Problem[] {
  const path = [...parent, ...issue.path.map((part) => (typeof part === 'symbol' ? '' : part))];
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(path, key, schema));
    case 'invalid_union':
      return describeUnion(issue, path, schema);
    case 'invalid_key':
      return [{ path, atKey: true, sentence: `${showPath(path)} ${issue.issues[0]?.message}` }];
    case 'invalid_type':
      return [{ path, atKey: false, sentence: describeType(issue, path) }];
    default:
      return [{ path, atKey: false, sentence: `${showPath(path)}: ${lowerFirst(issue.message)}` }];
  }
}

/** Of a union the branch that the value resembles speaks: one whose own shape already fits. */
function describeUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  schema: z.ZodType,
): Problem[] {
  const branches = issue.errors ?? [];
  const near = branches.find((errors) => !errors.some(isWrongShape));
  if (near !== undefined) return near.flatMap((each) => describeIssue(each, path, schema));
  const expected = branches.flat().flatMap((each) => ('expected' in each ? [each.expected] : []));
  return [
    {
      path,
      atKey: false,
      sentence: `${showPath(path)}: expected ${[...new Set(expected)].map(article).join(' or ')}`,
    },
  ];
}

function isWrongShape(issue: Issue): boolean {
  return issue.code === 'invalid_type' && issue.path.length === 0;
}

function describeType(issue: Extract<Issue, { code: 'invalid_type' }>, path: Path): string {
  const field = showPath(path);
  // A message of the schema's own says more than the bare types do.
  if (!issue.message.startsWith('Invalid input')) return `${field}: ${lowerFirst(issue.message)}`;
  return issue.message.endsWith('received undefined')
    ? `${field} is missing: expected ${article(issue.expected)}`
    : `${field}: expected ${article(issue.expected)}, found ${article(/received (\S+)$/.exec(issue.message)?.[1] ?? 'something else')}`;
}

function unknownKey(parent: Path, key: string, schema: z.ZodType): Problem {
  const path = [...parent, key];
  const field = showPath(path);
  const later = NOT_EVALUATED_YET[field];
  if (later !== undefined) {
    const sentence = `${field} is not evaluated yet (${later} come later): remove it`;
    return { path, atKey: true, sentence };
  }
  const allowed = keysAt(schema, parent);
  const best = allowed.length === 0 ? undefined : closest(key, allowed);
  const near = best !== undefined && distance(key, best) <= Math.max(2, key.length / 3);
  const hint = near ? `did you mean ${best}?` : `known here: ${allowed.join(', ')}`;
  return { path, atKey: true, sentence: `unknown key ${field}: ${hint}` };
}

/** The keys an object at `path` may have, found by walking the schema. */
export function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  const here = unwrap(schema);
  if (here.def.type === 'union') {
    return [...new Set(here.def.options.flatMap((option) => keysAt(option, path)))];
  }
  const [head, ...rest] = path;
  if (head === undefined) return here.def.type === 'object' ? Object.keys(here.def.shape) : [];
  if (here.def.type === 'array') return keysAt(here.def.element, rest);
  if (here.def.type === 'record') return keysAt(here.def.valueType, rest);
  const next = here.def.type === 'object' ? here.def.shape[String(head)] : undefined;
  return next === undefined ? [] : keysAt(next, rest);
}

type Inner = { readonly def: z.core.$ZodTypes['_zod']['def'] };

function unwrap(schema: z.core.$ZodType): Inner {
  const { def } = schema as z.core.$ZodTypes & Inner;
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
    case 'nullable':
      return unwrap(def.innerType);
    case 'pipe':
      return unwrap(def.in);
    default:
      return { def };
  }
}

/** `fleet.dataDisks[0].size` */
export function showPath(path: Path): string {
  if (path.length === 0) return 'the file';
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i === 0 ? '' : '.'}${part}`))
    .join('');
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  object: 'a mapping of keys',
  record: 'a mapping of keys',
  array: 'a list',
  int: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function article(expected: string): string {
  return TYPES[expected] ?? expected;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
