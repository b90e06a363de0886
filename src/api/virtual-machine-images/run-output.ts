// Microsoft.VirtualMachineImages/imageTemplates/runOutputs: what the last run made. Written by the
// image builder; users read.
import { z } from 'zod';
import { defineResource } from '../arm/declaration.ts';

export const runOutputType = defineResource({
  type: 'Microsoft.VirtualMachineImages/imageTemplates/runOutputs',
  verbs: ['get', 'list'],
  name: { accepts: () => true, rule: 'as the distribute entry names it' },
  location: 'none',
  schema: z.looseObject({}),
  put: 'sync',
  delete: 'sync',
});
