// Gallery image versions: three integers, compared numerically. Pure.
// Source of the rules: Azure Compute Gallery naming, "Major.Minor.Patch, each 0..2147483647".

/** `1.4.0`: always well-formed when typed so. */
export type ImageVersionName = string & { readonly __imageVersion: true };

const MAX_PART = 2_147_483_647;

/** Returns undefined unless `text` is `major.minor.patch` with each part in 0..2147483647. */
export function parseImageVersion(text: string): ImageVersionName | undefined {
  const match = /^(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})\.(0|[1-9]\d{0,9})$/.exec(text);
  if (match === null) return undefined;
  return match.slice(1).every((part) => Number(part) <= MAX_PART)
    ? (text as ImageVersionName)
    : undefined;
}

/** Negative when a is lower, 0 when equal, positive when higher: `1.10.0` is above `1.9.0`. */
export function compareImageVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < 3; i += 1) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function highestImageVersion<T extends string>(versions: readonly T[]): T | undefined {
  return versions.toSorted(compareImageVersions).at(-1);
}

/** The version Image Builder gives a new image: highest + 1 patch, the first one 1.0.0. */
export function nextImageVersion(existing: readonly string[]): ImageVersionName {
  const highest = highestImageVersion(existing);
  if (highest === undefined) return '1.0.0' as ImageVersionName;
  const [major = 0, minor = 0, patch = 0] = highest.split('.').map(Number);
  return `${major}.${minor}.${patch + 1}` as ImageVersionName;
}
