// Reports that reconcilers and the image builder write, and people read.
import { z } from 'zod';
import type { StoredDeclaration } from '../arm/declaration.ts';
import { defineResource } from '../arm/declaration.ts';
import { isObject } from '../arm/merge.ts';
import { runLogUri } from '../storage/log-router.ts';
import type { LinkSigner } from '../storage/log-router.ts';

const READ_ONLY = {
  scope: 'extension',
  verbs: ['get', 'list'],
  name: { accepts: () => true, rule: 'as the report is named' },
  location: 'none',
  schema: z.looseObject({}),
  put: 'sync',
  delete: 'sync',
} as const;

/** One swap of one instance's OS disk: times, disks, and the data disks before and after. */
export const swapReportType = defineResource({
  ...READ_ONLY,
  type: 'Rollset.Fleet/swapReports',
  extends: ['Microsoft.Compute/virtualMachineScaleSets'],
});

/** The last run of an image template, step by step. */
export function runReportType(signer: LinkSigner): StoredDeclaration {
  return defineResource({
    ...READ_ONLY,
    type: 'Rollset.Fleet/runReports',
    extends: ['Microsoft.VirtualMachineImages/imageTemplates'],
    present({ body: row }, { baseUrl }) {
      const properties = isObject(row.body['properties']) ? row.body['properties'] : {};
      const { runId } = properties;
      if (typeof runId !== 'string') return row.body;
      // Signed anew with each reading: a link in a row would expire there.
      const logUri = runLogUri(baseUrl, runId, 'customization.log', signer);
      return { ...row.body, properties: { ...properties, logUri } };
    },
  });
}
