// Reads versions out of the store, for whoever resolves `latest` or starts an image.
import { z } from 'zod';
import type { ImageManifest } from '../model/image.ts';
import { resourceKey } from '../model/resource-id.ts';
import type { ProvisioningState, ResourceRow } from '../model/resource.ts';
import type { CandidateVersion } from '../planning/gallery/view.ts';
import type { Store, Stored } from '../store/store.ts';
import { manifestOf } from './manifest.ts';
import { isExcludedFromLatest, regionsOf, VERSION_TYPE } from './version-row.ts';

type StoreReader = Pick<Store, 'get' | 'list'>;

/** Every version of the definition, whatever its state, for `resolveLatest`. */
export async function readVersions(
  store: StoreReader,
  definitionId: string,
): Promise<CandidateVersion[]> {
  const parent = resourceKey(definitionId);
  const versions = await store.list('resource', { parent, type: VERSION_TYPE });
  return versions.map((row) => toCandidate(row, undefined));
}

/** The versions as one scale set may start them: its quarantines counted in. */
export async function readVersionsOfSet(
  store: StoreReader,
  definitionId: string,
  scaleSetId: string,
): Promise<{ rows: Stored<'resource'>[]; candidates: CandidateVersion[] }> {
  const [rows, quarantines] = await Promise.all([
    store.list('resource', { parent: resourceKey(definitionId), type: VERSION_TYPE }),
    store.list('resource', { parent: resourceKey(scaleSetId), type: QUARANTINE_TYPE }),
  ]);
  const reasons = new Map(quarantines.map(({ body }) => [body.name, reasonOf(body)]));
  return { rows, candidates: rows.map((row) => toCandidate(row, reasons.get(row.body.name))) };
}

const QUARANTINE_TYPE = 'rollset.fleet/quarantines';
const quarantineSchema = z.object({ properties: z.object({ reason: z.string() }) });

function reasonOf({ body }: ResourceRow): string {
  const read = quarantineSchema.safeParse(body);
  return read.success ? read.data.properties.reason : 'no reason was given.';
}

/** Pure. `quarantined`: why one scale set must not start it, when there is a reason. */
function toCandidate(
  { body }: Stored<'resource'>,
  quarantined: string | undefined,
): CandidateVersion {
  return {
    name: body.name,
    provisioningState: usableStateOf(body),
    excludeFromLatest: isExcludedFromLatest(body),
    regions: regionsOf(body),
    ...(quarantined === undefined ? {} : { quarantined }),
  };
}

/** What to start for a version; undefined when it is not there or not usable yet. */
export async function findManifest(
  store: StoreReader,
  versionId: string,
): Promise<ImageManifest | undefined> {
  const row = await store.get('resource', resourceKey(versionId));
  if (row === undefined || usableStateOf(row.body) !== 'Succeeded') return undefined;
  return manifestOf(row.body);
}

/**
 * An update changes how a version is published, never what it is: it stays usable meanwhile. Else a
 * new target region would take it from `latest` for a moment, and fleets would go back a version.
 */
function usableStateOf(version: ResourceRow): ProvisioningState {
  const { provisioningState } = version;
  const updating = provisioningState === 'Updating' && manifestOf(version) !== undefined;
  return updating ? 'Succeeded' : provisioningState;
}
