// `<scale set>/providers/Rollset.Fleet/quarantines/{version}`: a version this set must not start.
// Written by a failed upgrade or by a person; DELETE lifts it.
import { z } from 'zod';
import { parseImageVersion } from '../../model/image-version.ts';
import type { JsonObject } from '../../model/resource.ts';
import { isoTime } from '../../support/clock.ts';
import { defineResource } from '../arm/declaration.ts';
import type { PrepareContext } from '../arm/declaration.ts';
import { isObject } from '../arm/merge.ts';

const schema = z.looseObject({
  properties: z
    .looseObject({ reason: z.string().min(1).max(1024).default('Quarantined by hand.') })
    .prefault({}),
});

export const quarantineType = defineResource({
  type: 'Rollset.Fleet/quarantines',
  scope: 'extension',
  extends: ['Microsoft.Compute/virtualMachineScaleSets'],
  verbs: ['get', 'list', 'put', 'delete'],
  name: {
    accepts: (name) => parseImageVersion(name) !== undefined,
    rule: 'the version that is quarantined, as 1.4.0',
    target: 'version',
  },
  location: 'none',
  schema,
  put: 'sync',
  delete: 'sync',
  prepare({ body, name, now, existing }: PrepareContext<z.infer<typeof schema>>) {
    const before = isObject(existing?.body.body['properties'])
      ? existing.body.body['properties']
      : {};
    const { runId } = before;
    const properties: JsonObject = {
      version: name,
      reason: body.properties.reason,
      since: before['since'] ?? isoTime(now),
      ...(runId === undefined ? {} : { runId }),
    };
    return { body: { properties } };
  },
});
