// Reads versions out of the store, for whoever resolves `latest` or starts an image.
import type { ImageManifest } from '../model/image.ts';
import { resourceKey } from '../model/resource-id.ts';
import type { CandidateVersion } from '../planning/gallery/view.ts';
import type { Store, Stored } from '../store/store.ts';
import { manifestOf } from './manifest.ts';
import { isExcludedFromLatest, regionsOf, VERSION_TYPE } from './version-row.ts';

const QUARANTINE_TYPE = 'rollset.fleet/quarantines';

type StoreReader = Pick<Store, 'get' | 'list'>;

/**
 * Every version of the definition, whatever its state; with a scale set's key, those it has in
 * quarantine carry the reason.
 */
export async function readVersions(
  store: StoreReader,
  definitionKey: string,
  scaleSetKey?: string,
): Promise<CandidateVersion[]> {
  const [versions, quarantines] = await Promise.all([
    store.list('resource', { parent: resourceKey(definitionKey), type: VERSION_TYPE }),
    scaleSetKey === undefined
      ? []
      : store.list('resource', { parent: resourceKey(scaleSetKey), type: QUARANTINE_TYPE }),
  ]);
  const reasons = new Map(quarantines.map((row) => [row.body.name, quarantineReason(row)]));
  return versions.map(({ body }) => {
    const quarantined = reasons.get(body.name);
    return {
      name: body.name,
      provisioningState: body.provisioningState,
      excludeFromLatest: isExcludedFromLatest(body),
      regions: regionsOf(body),
      ...(quarantined === undefined ? {} : { quarantined }),
    };
  });
}

/** What to start for a version; undefined when it is not there or not usable yet. */
export async function findManifest(
  store: StoreReader,
  versionId: string,
): Promise<ImageManifest | undefined> {
  const row = await store.get('resource', resourceKey(versionId));
  return row?.body.provisioningState === 'Succeeded' ? manifestOf(row.body) : undefined;
}

function quarantineReason(row: Stored<'resource'>): string {
  const properties = row.body.body['properties'];
  const reason =
    typeof properties === 'object' && properties !== null && !Array.isArray(properties)
      ? properties['reason']
      : undefined;
  return typeof reason === 'string' && reason !== '' ? reason : 'no reason was given';
}
