// Reads a JSON body: size, syntax and nesting are checked before anything looks inside.
import type { Json, JsonObject } from '../../model/resource.ts';
import { ArmError } from './arm-error.ts';
import { isObject } from './merge.ts';

/** ARM's own limit for a request. */
export const MAX_BODY_BYTES = 4 * 1024 * 1024;
/** Deeper than any ARM body (a template reaches about 20); keeps recursive walks off the stack end. */
const MAX_DEPTH = 64;

/** Undefined for an empty body. Throws 413 or 400 InvalidRequestContent. */
export async function readJsonBody(request: Request): Promise<JsonObject | undefined> {
  const text = await readText(request);
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw invalidContent(`The request content was invalid and could not be deserialized: ${why}.`);
  }
  if (!isObject(value)) throw invalidContent('The request content must be a JSON object.');
  checkShape(value);
  return value;
}

/** Counts while reading, so that a body without a length cannot fill the memory. */
async function readText(request: Request): Promise<string> {
  if (Number(request.headers.get('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  if (request.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function checkShape(root: Json): void {
  const stack: { value: Json; depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MAX_DEPTH) {
      throw invalidContent(`The request content is nested deeper than ${MAX_DEPTH} levels.`);
    }
    if (Object.hasOwn(value, '__proto__')) {
      throw invalidContent("The request content holds the property name '__proto__'.");
    }
    for (const child of Object.values(value)) stack.push({ value: child, depth: depth + 1 });
  }
}

function invalidContent(message: string): ArmError {
  return new ArmError(400, 'InvalidRequestContent', message);
}

function tooLarge(): ArmError {
  return new ArmError(
    413,
    'RequestContentTooLarge',
    `The request content is larger than ${MAX_BODY_BYTES} bytes.`,
  );
}
