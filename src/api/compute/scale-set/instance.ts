// Microsoft.Compute/virtualMachineScaleSets/virtualMachines: presented from the reconcilers' rows.
import { z } from 'zod';
import { resourceKey } from '../../../model/resource-id.ts';
import type { Json, JsonObject } from '../../../model/resource.ts';
import type { Stored } from '../../../store/store.ts';
import { assert } from '../../../support/assert.ts';
import { ArmError } from '../../arm/arm-error.ts';
import { defineComputed } from '../../arm/declaration.ts';
import type {
  ActionContext,
  ActionResult,
  ComputedDeclaration,
  RequestContext,
} from '../../arm/declaration.ts';
import { textAt } from '../../arm/json-path.ts';
import { isObject } from '../../arm/merge.ts';
import { Problems } from '../../arm/problems.ts';
import { validateBody } from '../../arm/validate.ts';
import { consoleLogUri } from '../../storage/log-router.ts';
import type { LinkSigner } from '../../storage/log-router.ts';
import { checkVersion } from './actions.ts';
import { toInstance, toInstanceView } from './present-instance.ts';
import type { InstanceRows } from './present-instance.ts';
import { readInstance, readInstances } from './read-instances.ts';

export function instanceType(signer: LinkSigner): ComputedDeclaration {
  return defineComputed({
    type: 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines',
    async get(context) {
      const rows = await find(context, context.name);
      return rows === undefined ? undefined : toInstance(rows, expandsView(context));
    },
    async list(context) {
      refuseFilter(context);
      const instances = await readInstances(context.store, scaleSetOf(context));
      return instances.map((rows) => toInstance(rows, expandsView(context)));
    },
    async delete(context) {
      const rows = await find(context, context.name);
      if (rows === undefined) return undefined;
      return {
        operation: { kind: 'scaleSet.deleteInstances', input: { instanceIds: [context.name] } },
      };
    },
    actions: {
      instanceView: {
        method: 'GET',
        run: async (context) => ({ answer: toInstanceView(await requireInstance(context)) }),
      },
      reimage: { method: 'POST', run: reimage },
      runCommand: { method: 'POST', run: runCommand },
      retrieveBootDiagnosticsData: {
        method: 'POST',
        run: (context) => retrieveBootDiagnosticsData(context, signer),
      },
    },
    results: { 'instance.runCommand': toRunCommandResult },
  });
}

const reimageSchema = z.looseObject({ exactVersion: z.string().optional() });

async function reimage(context: ActionContext): Promise<ActionResult> {
  const { instance } = await requireInstance(context);
  const { exactVersion } = validateBody(reimageSchema, context.body, new Problems());
  if (exactVersion !== undefined) await checkVersion(context, exactVersion);
  const input = {
    instanceIds: [instance.instanceId],
    ...(exactVersion === undefined ? {} : { exactVersion }),
  };
  return { operation: { kind: 'scaleSet.reimage', input } };
}

const runCommandSchema = z.looseObject({
  commandId: z.string().default('RunShellScript'),
  script: z.array(z.string()).min(1),
  parameters: z.array(z.looseObject({ name: z.string(), value: z.string() })).optional(),
});

/** Azure exports the parameters as variables of the script. */
async function runCommand(context: ActionContext): Promise<ActionResult> {
  const { instance } = await requireInstance(context);
  const problems = new Problems();
  const { commandId, script, parameters } = validateBody(runCommandSchema, context.body, problems);
  if (commandId.toLowerCase() !== 'runshellscript') {
    problems.add(
      'commandId',
      `The commandId '${commandId}' is not supported yet by this control plane. Use RunShellScript.`,
    );
  }
  const assignments = (parameters ?? []).map(({ name, value }, i) => {
    if (!/^[A-Za-z_]\w*$/.test(name)) {
      problems.add(
        `parameters[${i}].name`,
        `The parameter name '${name}' is not a shell variable's name.`,
      );
    }
    return `export ${name}='${value.replaceAll("'", `'\\''`)}'`;
  });
  problems.throwIfAny();
  const input = { instanceId: instance.instanceId, script: [...assignments, ...script] };
  return { operation: { kind: 'instance.runCommand', input } };
}

/** Azure's shape, and beside it what Azure does not tell: the exit code. */
export function toRunCommandResult(output: Json): Json {
  const result = isObject(output) ? output : {};
  const stdout = textAt(result, 'stdout') ?? '';
  const stderr = textAt(result, 'stderr') ?? '';
  return {
    value: [
      {
        code: 'ProvisioningState/succeeded',
        level: 'Info',
        displayStatus: 'Provisioning succeeded',
        message: `Enable succeeded: \n[stdout]\n${stdout}\n[stderr]\n${stderr}`,
      },
    ],
    stdout,
    stderr,
    exitCode: result['exitCode'] ?? null,
  };
}

async function retrieveBootDiagnosticsData(
  context: ActionContext,
  signer: LinkSigner,
): Promise<ActionResult> {
  const { instance, scaleSet } = await requireInstance(context);
  const key = resourceKey(scaleSet.id);
  const answer: JsonObject = {
    consoleScreenshotBlobUri: null,
    serialConsoleLogBlobUri: consoleLogUri(context.baseUrl, key, instance.instanceId, signer),
  };
  return { answer };
}

async function requireInstance(context: ActionContext): Promise<InstanceRows> {
  const rows = await find(context, context.name);
  if (rows !== undefined) return rows;
  const { name } = scaleSetOf(context).body;
  throw new ArmError(
    404,
    'ResourceNotFound',
    `The VM Instance ${context.name} in Virtual Machine Scale Set ${name} cannot be found.`,
  );
}

type Context = RequestContext & { readonly parent: Stored<'resource'> | undefined };

function find(context: Context, instanceId: string): Promise<InstanceRows | undefined> {
  return readInstance(context.store, scaleSetOf(context), instanceId);
}

function scaleSetOf({ parent }: Context): Stored<'resource'> {
  assert(parent, 'an instance lies in a scale set');
  return parent;
}

function expandsView({ query }: RequestContext): boolean {
  const expand = [...query].find(([key]) => key.toLowerCase() === '$expand')?.[1] ?? '';
  return expand.toLowerCase().split(',').includes('instanceview');
}

/** Ignoring a filter would answer another question than was asked. */
function refuseFilter({ query }: RequestContext): void {
  const filter = [...query].find(([key]) => key.toLowerCase() === '$filter')?.[1] ?? '';
  if (filter === '') return;
  throw new ArmError(
    400,
    'InvalidParameter',
    `$filter '${filter}' is not supported yet by this control plane: list all and filter what comes.`,
    {
      target: '$filter',
    },
  );
}
