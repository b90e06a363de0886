// Decides which version of an image definition is `latest` in a region, and why not the others. Pure.
//
// Azure's rule: provisioned, replicated to the region, excluded neither globally nor there; of those
// the numerically highest, not the newest. Ours besides: not quarantined on the scale set that asks.
import { compareImageVersions } from '../../model/image-version.ts';
import type { CandidateVersion, LatestAnswer, LatestLoss } from './view.ts';

type Loss = { readonly why: LatestLoss; readonly sentence: string };

export function resolveLatest(versions: readonly CandidateVersion[], region: string): LatestAnswer {
  const folded = foldRegion(region);
  const sorted = versions.toSorted((a, b) => compareImageVersions(b.name, a.name));
  const losses = new Map(sorted.map((version) => [version.name, lossOf(version, folded)]));
  const latest = sorted.find((version) => losses.get(version.name) === undefined)?.name;
  const losers = sorted
    .filter((version) => version.name !== latest)
    .map(({ name }) => ({ name, ...(losses.get(name) ?? lowerThan(name, latest)) }));
  return { latest, losers };
}

/** `West US` and `westus` are one region. */
export function foldRegion(region: string): string {
  return region.replaceAll(' ', '').toLowerCase();
}

function lossOf(version: CandidateVersion, region: string): Loss | undefined {
  const { name } = version;
  if (version.provisioningState !== 'Succeeded') {
    const sentence = `${name} is not usable: its provisioningState is ${version.provisioningState}.`;
    return { why: 'notProvisioned', sentence };
  }
  if (version.excludeFromLatest) {
    return { why: 'excludedFromLatest', sentence: `${name} is published with excludeFromLatest.` };
  }
  const replica = version.regions.find((each) => foldRegion(each.name) === region);
  if (replica === undefined) {
    const regions = version.regions.map((each) => each.name).join(', ');
    const sentence = `${name} has no complete replica in ${region}, but in: ${regions || 'none'}.`;
    return { why: 'notInRegion', sentence };
  }
  if (replica.excludeFromLatest) {
    const sentence = `${name} is published with excludeFromLatest for ${region}.`;
    return { why: 'excludedInRegion', sentence };
  }
  if (version.quarantined !== undefined) {
    const sentence = `${name} is quarantined on this scale set: ${version.quarantined}`;
    return { why: 'quarantined', sentence };
  }
  return undefined;
}

function lowerThan(name: string, latest: string | undefined): Loss {
  return { why: 'lower', sentence: `${name} is lower than ${latest ?? 'the latest'}.` };
}
