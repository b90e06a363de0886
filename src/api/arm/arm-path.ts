// Reads a request path as ARM does: without regard to case, doubled slashes or a trailing slash.
// Pure. Knows the grammar of ids, no resource type.
import { ArmError } from './arm-error.ts';

/** Longer names and paths do not occur; a limit keeps keys and messages sane. */
const MAX_PATH_CHARACTERS = 4096;

export type ArmPath = {
  readonly subscriptionId?: string;
  readonly resourceGroup?: string;
  /** Everything before the last `providers`, tidy; the whole path when there is none. */
  readonly scope: string;
  /** True when the scope is itself a resource, so that what follows extends it. */
  readonly extension: boolean;
  readonly namespace?: string;
  /** After the namespace: types at even places, names at odd ones. */
  readonly pairs: readonly string[];
};

/** `pathname` as in the URL, still percent-encoded. Throws 400 for what cannot be an id. */
export function parseArmPath(pathname: string): ArmPath {
  if (pathname.length > MAX_PATH_CHARACTERS) {
    throw invalidPath(`it is ${pathname.length} characters long, the limit is 4096`);
  }
  const segments = pathname
    .split('/')
    .filter((segment) => segment !== '')
    .map(decodeSegment);
  const at = segments.findLastIndex((segment) => segment.toLowerCase() === 'providers');
  const scopeSegments = at === -1 ? segments : segments.slice(0, at);
  const [namespace, ...pairs] = at === -1 ? [] : segments.slice(at + 1);
  const extension = scopeSegments.some((segment) => segment.toLowerCase() === 'providers');
  if (at !== -1 && !extension) checkPlainScope(scopeSegments);
  const subscriptionId = nameAfter(segments, 0, 'subscriptions');
  const resourceGroup = nameAfter(segments, 2, 'resourcegroups');
  return {
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    ...(resourceGroup === undefined ? {} : { resourceGroup }),
    scope: `/${scopeSegments.join('/')}`,
    extension,
    ...(namespace === undefined ? {} : { namespace }),
    pairs,
  };
}

function decodeSegment(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw invalidPath(`'${segment}' is not percent-encoded UTF-8`);
  }
  // ARM forbids these in every name, and they would make two keys of one id.
  const forbidden = Array.from(text).find((one) => one < ' ' || '\u007f/\\?#%<>&'.includes(one));
  if (forbidden !== undefined) {
    throw invalidPath(`'${segment}' holds the character ${JSON.stringify(forbidden)}`);
  }
  return text;
}

/** `providers` follows a subscription or a resource group, and nothing else. */
function checkPlainScope(segments: readonly string[]): void {
  const words = segments.filter((_, i) => i % 2 === 0).map((word) => word.toLowerCase());
  const known = ['', 'subscriptions', 'subscriptions/resourcegroups'].includes(words.join('/'));
  if (!known || segments.length % 2 === 1) {
    throw invalidPath(`'/${segments.join('/')}' is not a subscription or a resource group`);
  }
}

function nameAfter(segments: readonly string[], place: number, word: string): string | undefined {
  return segments[place]?.toLowerCase() === word ? segments[place + 1] : undefined;
}

function invalidPath(why: string): ArmError {
  return new ArmError(400, 'InvalidResourceId', `The path is not a resource id: ${why}.`);
}
