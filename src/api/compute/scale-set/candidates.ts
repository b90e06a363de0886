// The versions of a definition as one scale set may start them: its quarantines counted in.
import { toCandidate } from '../../../gallery/read-versions.ts';
import { resourceKey } from '../../../model/resource-id.ts';
import type { CandidateVersion } from '../../../planning/gallery/view.ts';
import type { StoreReader } from '../../arm/declaration.ts';
import { isObject } from '../../arm/merge.ts';

export async function readCandidates(
  store: StoreReader,
  definitionId: string,
  scaleSetId: string,
): Promise<CandidateVersion[]> {
  const [versions, quarantines] = await Promise.all([
    store.list('resource', {
      parent: resourceKey(definitionId),
      type: 'microsoft.compute/galleries/images/versions',
    }),
    store.list('resource', { parent: resourceKey(scaleSetId), type: 'rollset.fleet/quarantines' }),
  ]);
  const reasons = new Map(
    quarantines.map(({ body }) => {
      const { properties } = body.body;
      const reason = isObject(properties) ? properties['reason'] : undefined;
      return [body.name, typeof reason === 'string' ? reason : 'no reason was given.'];
    }),
  );
  return versions.map((row) => toCandidate(row, reasons.get(row.body.name)));
}
