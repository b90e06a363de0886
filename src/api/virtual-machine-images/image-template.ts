// Microsoft.VirtualMachineImages/imageTemplates: what an image is made from, and its runs.
import type { JsonObject } from '../../model/resource.ts';
import { isOpen, listOpenOperations, requestCancel } from '../../operations/operations.ts';
import type { Stored } from '../../store/store.ts';
import { assert } from '../../support/assert.ts';
import { ArmError, operationNotAllowed } from '../arm/arm-error.ts';
import { defineResource } from '../arm/declaration.ts';
import type {
  ActionContext,
  ActionResult,
  PrepareContext,
  RequestContext,
} from '../arm/declaration.ts';
import { isObject } from '../arm/merge.ts';
import { toJson } from '../arm/put-resource.ts';
import { isFilled, isGiven, isOtherThan, isTrue } from '../arm/unsupported.ts';
import { checkTemplate } from './image-template-rules.ts';
import { imageTemplateSchema } from './image-template-schema.ts';
import type { ImageTemplateBody } from './image-template-schema.ts';

/** What a PATCH may change; everything else of a template is fixed when it is made. */
const PATCHABLE = ['distribute', 'vmProfile'];

export const imageTemplateType = defineResource({
  type: 'Microsoft.VirtualMachineImages/imageTemplates',
  scope: 'resourceGroup',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: {
    accepts: (name) => /^[A-Za-z0-9-_.]{1,64}$/.test(name),
    rule: "1 to 64 letters, digits, '-', '_' and '.'",
    target: 'imageTemplateName',
  },
  location: 'tracked',
  schema: imageTemplateSchema,
  put: { operation: 'imageTemplate.put' },
  delete: { operation: 'imageTemplate.delete' },
  deletesChildren: true,
  unsupported: [
    [
      'properties.source.type',
      isOtherThan('PlatformImage', 'SharedImageVersion'),
      'Use a PlatformImage or a SharedImageVersion.',
    ],
    ['properties.source.planInfo', isGiven, 'There is no marketplace here.'],
    [
      'properties.customize[].type',
      isOtherThan('Shell', 'File'),
      'Guests are Linux: use Shell or File.',
    ],
    [
      'properties.validate.inVMValidations[].type',
      isOtherThan('Shell', 'File'),
      'Guests are Linux: use Shell or File.',
    ],
    ['properties.validate.sourceValidationOnly', isTrue, 'The finished image is validated.'],
    [
      'properties.distribute[].type',
      isOtherThan('SharedImage'),
      'Distribute to a gallery: SharedImage.',
    ],
    [
      'properties.distribute[].versioning.scheme',
      isOtherThan('Latest'),
      'Use Latest, or name the version in galleryImageId.',
    ],
    ['properties.optimize.vmBoot.state', isOtherThan('Disabled'), 'Leave it out.'],
    ['properties.optimize.workload', isGiven, 'Leave it out.'],
    [
      'properties.errorHandling.onCustomizerError',
      isOtherThan('cleanup'),
      'The log keeps what a failed step printed.',
    ],
    [
      'properties.errorHandling.onValidationError',
      isOtherThan('cleanup'),
      'The log keeps what a failed step printed.',
    ],
    ['properties.autoRun.state', isOtherThan('Disabled'), 'Send POST …/run after the PUT.'],
    ['properties.additionalDataDisks', isFilled, 'Images have an OS disk only.'],
    [
      'properties.vmProfile.osDiskSizeGB',
      (value) => value !== null && value !== 0,
      'The image keeps the size of its source.',
    ],
    ['properties.vmProfile.vnetConfig', isGiven, 'Build VMs have a network of their own.'],
    ['properties.vmProfile.userAssignedIdentities', isFilled, 'Build VMs have no identity.'],
  ],
  async prepare(context: PrepareContext<ImageTemplateBody>) {
    if (context.existing !== undefined) checkUpdate(context, context.existing);
    await checkTemplate(context);
    return { body: toJson(context.body) };
  },
  present: presentTemplate,
  async checkDelete({ row, store }) {
    const runs = await listOpenOperations(store, {
      kind: 'imageTemplate.run',
      resourceId: row.body.id,
    });
    const { provisioningState, id } = row.body;
    if (runs.length === 0 && provisioningState !== 'Creating') return;
    const runState = runs.length === 0 ? 'not running' : 'Running';
    throw operationNotAllowed(
      `The image template ${id} cannot be deleted now: provisioningState ${provisioningState}, runState ${runState}. Cancel the run or wait for it.`,
    );
  },
  actions: {
    run: { method: 'POST', run: startRun },
    cancel: { method: 'POST', run: cancelRun },
  },
});

/** Azure: a template is never updated by PUT, and PATCH reaches tags, identity and two properties. */
function checkUpdate(
  { verb, body }: PrepareContext<ImageTemplateBody>,
  existing: Stored<'resource'>,
): void {
  if (verb === 'PUT') {
    throw new ArmError(
      409,
      'Conflict',
      `Update/upgrade of image templates is currently not supported: '${existing.body.name}' exists. Delete it, or give the new template another name.`,
    );
  }
  const before = isObject(existing.body.body['properties']) ? existing.body.body['properties'] : {};
  const after = toJson(body.properties);
  const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (key) => !PATCHABLE.includes(key) && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  if (changed.length === 0) return;
  throw new ArmError(
    400,
    'ValidationFailed',
    `ImageTemplate.properties.${changed.join(', ')} cannot be changed: PATCH reaches tags, identity, distribute and vmProfile.`,
    { target: `properties.${changed[0]}` },
  );
}

async function startRun({ row, store }: ActionContext): Promise<ActionResult> {
  assert(row, 'an image template has a row');
  const { id, name, provisioningState } = row.body;
  if (provisioningState !== 'Succeeded') {
    throw operationNotAllowed(
      `The image template '${name}' cannot be run: its provisioningState is ${provisioningState}, not Succeeded.`,
    );
  }
  const open = await listOpenOperations(store, { kind: 'imageTemplate.run', resourceId: id });
  if (open.length > 0) {
    throw operationNotAllowed(
      `The image template '${name}' is running since ${open[0]?.body.startTime}: wait for that run, or cancel it.`,
    );
  }
  return { operation: { kind: 'imageTemplate.run' } };
}

/** Marks the run; the runner ends it, and this cancel with it. */
async function cancelRun({ row, store }: ActionContext): Promise<ActionResult> {
  assert(row, 'an image template has a row');
  const [run] = await listOpenOperations(store, {
    kind: 'imageTemplate.run',
    resourceId: row.body.id,
  });
  if (run === undefined || !isOpen(run)) {
    throw operationNotAllowed(`The image template '${row.body.name}' has no run to cancel.`);
  }
  if (run.body.cancelRequested) {
    throw operationNotAllowed(
      `The run of image template '${row.body.name}' is being canceled already.`,
    );
  }
  return { operation: { kind: 'imageTemplate.cancel' }, writes: [requestCancel(run)] };
}

async function presentTemplate(
  row: Stored<'resource'>,
  { store }: RequestContext,
): Promise<JsonObject> {
  const { body, error, id, internal } = row.body;
  const properties = isObject(body['properties']) ? body['properties'] : {};
  const [open] = await listOpenOperations(store, { kind: 'imageTemplate.run', resourceId: id });
  const lastRunStatus = toLastRunStatus(internal['lastRun'], open);
  return {
    ...body,
    properties: {
      ...properties,
      ...(lastRunStatus === undefined ? {} : { lastRunStatus }),
      ...(error === undefined
        ? {}
        : { provisioningError: { provisioningErrorCode: error.code, message: error.message } }),
    },
  };
}

/** A run that was asked for and not yet taken up is Queued; what the runner wrote comes after. */
function toLastRunStatus(
  lastRun: unknown,
  open: Stored<'operation'> | undefined,
): JsonObject | undefined {
  const written = isObject(lastRun) ? lastRun : undefined;
  const canceling = open?.body.cancelRequested === true ? { runState: 'Canceling' } : {};
  if (open !== undefined && written?.['operationId'] !== open.key) {
    const { startTime } = open.body;
    return { runState: 'Running', runSubState: 'Queued', message: '', startTime, ...canceling };
  }
  if (written === undefined) return undefined;
  const { operationId: _internal, ...status } = written;
  return { ...status, ...canceling };
}
