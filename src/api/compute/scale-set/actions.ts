// What can be asked of a scale set besides its model: views, upgrades, reimage, deletion of some.
import { z } from 'zod';
import { parseGalleryImageId } from '../../../model/gallery-image-id.ts';
import { imageVersionId } from '../../../model/gallery-image-id.ts';
import { resourceKey } from '../../../model/resource-id.ts';
import type { JsonObject } from '../../../model/resource.ts';
import { listOpenOperations } from '../../../operations/operations.ts';
import { assert } from '../../../support/assert.ts';
import { ArmError, operationNotAllowed } from '../../arm/arm-error.ts';
import type { Action, ActionContext, ActionResult } from '../../arm/declaration.ts';
import { Problems } from '../../arm/problems.ts';
import { validateBody } from '../../arm/validate.ts';
import { findHealthExtension } from './health-probe.ts';
import { latestRun, toOsUpgradeHistory, toRollingUpgrade } from './present-upgrade-run.ts';
import { provisioningStateOf, toStatuses } from './present-instance.ts';
import { readInstances } from './read-instances.ts';
import { scaleSetSchema } from './schema.ts';

export const SCALE_SET_ACTIONS: Readonly<Record<string, Action>> = {
  instanceView: { method: 'GET', run: getInstanceView },
  'rollingUpgrades/latest': { method: 'GET', run: getRollingUpgrade },
  osUpgradeHistory: { method: 'GET', run: getHistory },
  osRollingUpgrade: { method: 'POST', run: startOsUpgrade },
  'rollingUpgrades/cancel': { method: 'POST', run: cancelUpgrade },
  reimage: { method: 'POST', run: reimage },
  delete: { method: 'POST', run: deleteInstances },
};

async function getInstanceView(context: ActionContext): Promise<ActionResult> {
  const scaleSet = rowOf(context);
  const instances = await readInstances(context.store, scaleSet);
  const codes = instances.flatMap((rows) => toStatuses(rows).map(({ code }) => code));
  const statusesSummary = [...new Set(codes)].toSorted().map((code) => ({
    code,
    count: codes.filter((one) => one === code).length,
  }));
  const extension = findHealthExtension(scaleSetSchema.parse(scaleSet.body.body));
  const ready = instances.filter((rows) => provisioningStateOf(rows) === 'Succeeded').length;
  const { provisioningState, changedAt } = scaleSet.body;
  const summary = { code: 'ProvisioningState/succeeded', count: ready };
  return {
    answer: {
      virtualMachine: { statusesSummary },
      extensions:
        extension === undefined ? [] : [{ name: extension.name, statusesSummary: [summary] }],
      statuses: [
        {
          code: `ProvisioningState/${provisioningState.toLowerCase()}`,
          level: provisioningState === 'Failed' ? 'Error' : 'Info',
          displayStatus:
            provisioningState === 'Succeeded' ? 'Provisioning succeeded' : provisioningState,
          time: changedAt,
        },
      ],
    },
  };
}

async function getRollingUpgrade(context: ActionContext): Promise<ActionResult> {
  const run = latestRun(await readRuns(context));
  if (run !== undefined) return { answer: toRollingUpgrade(run, locationOf(context)) };
  throw new ArmError(
    404,
    'ResourceNotFound',
    `The Virtual Machine Scale Set '${context.name}' has had no rolling upgrade.`,
  );
}

async function getHistory(context: ActionContext): Promise<ActionResult> {
  const runs = await readRuns(context);
  return { answer: { value: toOsUpgradeHistory(runs, locationOf(context), context.now) } };
}

/** Refused where Azure refuses: a pinned image, no source of health, a run under way. */
async function startOsUpgrade(context: ActionContext): Promise<ActionResult> {
  const { body, id, name } = rowOf(context).body;
  const parsed = scaleSetSchema.parse(body);
  const imageId = parsed.properties.virtualMachineProfile.storageProfile.imageReference?.id ?? '';
  if (parseGalleryImageId(imageId)?.version !== undefined) {
    throw operationNotAllowed(
      'The OS Rolling Upgrade API cannot be used on a Virtual Machine Scale Set unless the Virtual Machine Scale Set has some unprotected instances which have imageReference.version set to latest.',
    );
  }
  if (findHealthExtension(parsed) === undefined) {
    throw new ArmError(
      400,
      'BadRequest',
      `Operation 'osRollingUpgrade' is not allowed on Virtual Machine Scale Set '${name}': a health probe or health extension was not provided, so no instance could be seen to be healthy.`,
    );
  }
  const runs = await readRuns(context);
  const running = runs.find(({ state }) => state === 'RollingForward');
  const [asked] = await listOpenOperations(context.store, {
    kind: 'scaleSet.osRollingUpgrade',
    resourceId: id,
  });
  if (running !== undefined || asked !== undefined) {
    const since = running?.startTime ?? asked?.body.startTime;
    throw operationNotAllowed(
      `Operation 'osRollingUpgrade' is not allowed on Virtual Machine Scale Set '${name}': a rolling upgrade is in progress since ${since}. Wait for its end, or cancel it.`,
    );
  }
  return { operation: { kind: 'scaleSet.osRollingUpgrade' } };
}

async function cancelUpgrade(context: ActionContext): Promise<ActionResult> {
  const runs = await readRuns(context);
  if (!runs.some(({ state }) => state === 'RollingForward')) {
    throw operationNotAllowed('There is no ongoing Rolling Upgrade to cancel.');
  }
  return { operation: { kind: 'scaleSet.cancelRollingUpgrade' } };
}

const ids = z.array(z.string().min(1)).min(1);
const reimageSchema = z.looseObject({
  instanceIds: ids.optional(),
  exactVersion: z.string().optional(),
});
const deleteSchema = z.looseObject({ instanceIds: ids });

/** Without ids the whole set is meant, and the reconciler does it batch by batch. */
async function reimage(context: ActionContext): Promise<ActionResult> {
  const { instanceIds, exactVersion } = validateBody(reimageSchema, context.body, new Problems());
  if (exactVersion !== undefined) await checkVersion(context, exactVersion);
  const some = instanceIds === undefined || instanceIds.includes('*') ? undefined : instanceIds;
  if (some !== undefined) await checkInstances(context, some);
  const input: JsonObject = {
    ...(some === undefined ? {} : { instanceIds: some }),
    ...(exactVersion === undefined ? {} : { exactVersion }),
  };
  return { operation: { kind: 'scaleSet.reimage', input } };
}

/** An empty list never means all: for that it takes `*`. */
async function deleteInstances(context: ActionContext): Promise<ActionResult> {
  const { instanceIds } = validateBody(deleteSchema, context.body, new Problems());
  if (!instanceIds.includes('*')) {
    await checkInstances(context, instanceIds);
    return { operation: { kind: 'scaleSet.deleteInstances', input: { instanceIds } } };
  }
  const all = await readInstances(context.store, rowOf(context));
  const input = { instanceIds: all.map(({ instance }) => instance.instanceId) };
  return { operation: { kind: 'scaleSet.deleteInstances', input } };
}

async function checkInstances(context: ActionContext, asked: readonly string[]): Promise<void> {
  const instances = await readInstances(context.store, rowOf(context));
  const present = instances
    .filter(({ instance }) => instance.wanted === 'present')
    .map(({ instance }) => instance.instanceId);
  const missing = asked.find((id) => !present.includes(id));
  if (missing === undefined) return;
  throw new ArmError(
    400,
    'InvalidParameter',
    `The provided instanceId ${missing} is not an active Virtual Machine Scale Set VM instanceId.`,
    { target: 'instanceIds' },
  );
}

/** A version of the set's definition that is published. */
export async function checkVersion(context: ActionContext, version: string): Promise<void> {
  const scaleSet = context.row ?? context.parent;
  const { properties } = scaleSetSchema.parse(scaleSet?.body.body);
  const image = parseGalleryImageId(
    properties.virtualMachineProfile.storageProfile.imageReference?.id ?? '',
  );
  const id = image === undefined ? '' : imageVersionId(image.definitionId, version);
  const row = await context.store.get('resource', resourceKey(id));
  if (row?.body.provisioningState === 'Succeeded') return;
  throw new ArmError(
    404,
    'GalleryImageNotFound',
    `The version ${version} of ${image?.definitionId} does not exist or is not published.`,
    {
      target: 'exactVersion',
    },
  );
}

async function readRuns(context: ActionContext) {
  const runs = await context.store.list('run', { parent: rowOf(context).key });
  return runs.map(({ body }) => body);
}

function rowOf({ row }: ActionContext) {
  assert(row, 'a scale set has a row');
  return row;
}

function locationOf(context: ActionContext): string {
  const { location } = rowOf(context).body.body;
  return typeof location === 'string' ? location : '';
}
