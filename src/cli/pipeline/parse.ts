// From the text of a pipeline file to a checked pipeline, or problems with file, line and field. Pure.
import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import { CommandFailure } from '../failure.ts';
import { describeIssues } from './problems.ts';
import type { Path } from './problems.ts';
import { pipelineSchema } from './schema.ts';
import type { PipelineFile } from './schema.ts';

/** A file with more mistakes than this is told about the first ones. */
const PROBLEMS_SHOWN = 10;

/** Throws CommandFailure: one line `file:line: sentence` for each problem. */
export function parsePipeline(text: string, fileName: string): PipelineFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number | undefined) =>
    offset === undefined ? fileName : `${fileName}:${lines.linePos(offset).line}`;
  if (document.errors.length > 0) {
    throw failure(document.errors.map((error) => `${at(error.pos[0])}: ${oneLine(error.message)}`));
  }
  const value: unknown = document.toJS();
  if (value === null || value === undefined) {
    throw failure([`${fileName} is empty: write a first one with \`rollset init\``]);
  }
  const parsed = pipelineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const found = describeIssues(parsed.error.issues, pipelineSchema)
    .map((problem) => ({ ...problem, offset: offsetOf(document, problem.path, problem.atKey) }))
    .toSorted((a, b) => (a.offset ?? 0) - (b.offset ?? 0));
  throw failure(found.map(({ offset, sentence }) => `${at(offset)}: ${sentence}`));
}

function failure(problems: readonly string[]): CommandFailure {
  const rest = problems.length - PROBLEMS_SHOWN;
  const shown = problems.slice(0, PROBLEMS_SHOWN);
  return new CommandFailure([...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'));
}

/** Where the value at `path` begins, or the nearest thing around it that is in the file. */
function offsetOf(document: Document, path: Path, atKey: boolean): number | undefined {
  for (let length = path.length; length >= 0; length -= 1) {
    const part = path.slice(0, length);
    const key = keyOffset(document, part);
    const node = document.getIn(part, true);
    const value = isNode(node) ? node.range?.[0] : undefined;
    // A mapping begins at its first key, which is not the line that people look for.
    const preferKey = atKey || !isScalar(node);
    const offset = preferKey ? (key ?? value) : (value ?? key);
    if (offset !== undefined) return offset;
  }
  return undefined;
}

function keyOffset(document: Document, path: Path): number | undefined {
  const parent = path.length === 0 ? undefined : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const name = String(path.at(-1));
  const pair = parent.items.find((item) => isPair(item) && String(item.key) === name);
  return isNode(pair?.key) ? pair.key.range?.[0] : undefined;
}

function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ').trim();
}
