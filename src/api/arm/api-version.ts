// Every request names an api-version; any well-formed one is accepted. Pure.
import { ArmError } from './arm-error.ts';

const PATTERN = /^\d{4}-\d{2}-\d{2}(-(preview|alpha|beta|rc|privatepreview))?$/i;

/** Throws MissingApiVersionParameter or InvalidApiVersionParameter. */
export function parseApiVersion(query: URLSearchParams): string {
  const version = [...query].find(([key]) => key.toLowerCase() === 'api-version')?.[1] ?? '';
  if (version === '') {
    throw new ArmError(
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    );
  }
  if (!PATTERN.test(version)) {
    throw new ArmError(
      400,
      'InvalidApiVersionParameter',
      `The api-version '${version}' is invalid. Write it as YYYY-MM-DD, with -preview when it is one.`,
    );
  }
  return version;
}
