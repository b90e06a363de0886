// Which version a ship makes, and whether it may. Pure.
import {
  compareImageVersions,
  nextImageVersion,
  parseImageVersion,
} from '../../model/image-version.ts';
import { CommandFailure } from '../failure.ts';

export type VersionChoice = {
  readonly version: string;
  /** The fleet will not follow it: another version stays the latest. */
  readonly lowerThan?: string;
};

/** `latest`: what the fleet follows now. Throws CommandFailure before anything is made. */
export function chooseVersion(input: {
  readonly requested: string | undefined;
  readonly existing: readonly string[];
  readonly latest: string | undefined;
}): VersionChoice {
  const { requested, existing, latest } = input;
  if (requested === undefined) return { version: nextImageVersion(existing) };
  const version = parseImageVersion(requested);
  if (version === undefined) {
    throw new CommandFailure(
      `--version ${requested} is not a version: write major.minor.patch, e.g. ${nextImageVersion(existing)}`,
    );
  }
  if (existing.includes(version)) {
    throw new CommandFailure(
      `version ${version} exists already and cannot be changed: leave --version out for ${nextImageVersion(existing)}, or give another`,
    );
  }
  if (latest !== undefined && compareImageVersions(version, latest) < 0) {
    return { version, lowerThan: latest };
  }
  return { version };
}
