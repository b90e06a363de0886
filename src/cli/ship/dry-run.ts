// `ship --dry-run`: the requests a ship would send, and which key became which field.
import { CommandFailure } from '../failure.ts';
import type { CliContext } from '../context.ts';
import type { CommonFlags, ServiceFlags } from '../flags.ts';
import { findConnection } from '../client/find-connection.ts';
import { compileStorage } from '../pipeline/compile.ts';
import type { CompileContext } from '../pipeline/compile.ts';
import type { ArmRequest } from '../pipeline/arm-request.ts';
import { BODY_NAMES, FIELDS } from '../pipeline/fields.ts';
import type { Pipeline } from '../pipeline/load.ts';
import { derivedNames } from '../pipeline/names.ts';
import type { Target } from '../pipeline/check-target.ts';
import { openOutput, withSession } from '../session.ts';
import type { Output } from '../terminal/output.ts';
import { observeTarget } from './observe-target.ts';
import type { TargetState } from './observe-target.ts';
import { requestsOf } from './ship.ts';
import type { ShipJob } from './ship.ts';
import { describeSize } from './upload.ts';

/** Stands for the subscription where no control plane is there to say its own. */
const NO_SUBSCRIPTION = '00000000-0000-0000-0000-000000000000';

type Seen = { readonly target: TargetState; readonly context: TargetContext };
type TargetContext = Parameters<typeof requestsOf>[2];

export async function dryRun(
  job: ShipJob,
  targetName: Target,
  flags: ServiceFlags,
  context: CliContext,
): Promise<void> {
  const output = openOutput(flags, context);
  const seen =
    targetName === 'azure' ? onAzure(job) : await onControlPlane(job, flags, context, output);
  const compiled = requestsOf(job, seen.target, seen.context);
  const { requests: storage } = compileStorage(job.pipeline, {
    subscriptionId: seen.context.subscriptionId,
    resourceGroup: job.resourceGroup,
  });
  const { gallery, network, template, run, fleet } = compiled;
  const all = [...storage, ...gallery, ...network, template, run, ...fleet];
  print(job.pipeline, compiled.version, all, output);
}

/** Azure is not asked: this is a first ship as the file describes it. */
function onAzure(job: ShipJob): Seen {
  const { azure } = job.pipeline.file.targets;
  const subscriptionId = azure?.subscription ?? NO_SUBSCRIPTION;
  const names = derivedNames(job.pipeline.file.name, {
    subscriptionId,
    resourceGroup: job.resourceGroup,
  });
  return {
    target: { versions: [] },
    context: {
      subscriptionId,
      blobEndpoint: `https://${names.storageAccount}.blob.core.windows.net/`,
      hasFleetProvider: false,
      ...(azure?.identity === undefined ? {} : { identity: azure.identity }),
    },
  };
}

/** Without a control plane a first ship is shown, so that a file can be looked at anywhere. */
async function onControlPlane(
  job: ShipJob,
  flags: ServiceFlags,
  context: CliContext,
  output: Output,
): Promise<Seen> {
  const connection = await findConnection(flags, context.env).catch((error: unknown) => {
    if (!(error instanceof CommandFailure) || isNamed(flags)) throw error;
    output.warn('no control plane runs here: these are the requests of a first ship');
    return undefined;
  });
  const contextOf = (subscriptionId: string, endpoint: string): CompileContextPart => {
    const place = { subscriptionId, resourceGroup: job.resourceGroup };
    const { storageAccount } = derivedNames(job.pipeline.file.name, place);
    return {
      subscriptionId,
      blobEndpoint: `${endpoint}/${storageAccount}/`,
      hasFleetProvider: true,
    };
  };
  if (connection === undefined) {
    const part = contextOf(NO_SUBSCRIPTION, 'https://127.0.0.1:8443');
    return { target: { versions: [] }, context: part };
  }
  return withSession(flags, context, async ({ arm }) => {
    const place = { subscriptionId: arm.subscriptionId, resourceGroup: job.resourceGroup };
    const target = await observeTarget(arm, derivedNames(job.pipeline.file.name, place));
    return { target, context: contextOf(arm.subscriptionId, connection.endpoint) };
  });
}

type CompileContextPart = Pick<
  CompileContext,
  'subscriptionId' | 'blobEndpoint' | 'hasFleetProvider'
>;

function isNamed(flags: Pick<ServiceFlags, 'connection' | 'endpoint' | 'data'> & CommonFlags) {
  return [flags.connection, flags.endpoint, flags.data].some((flag) => flag !== undefined);
}

/** With `--output json` one object a request: `{method, path, apiVersion, body}`. */
function print(
  pipeline: Pipeline,
  version: string,
  requests: readonly ArmRequest[],
  output: Output,
): void {
  if (output.isJson) {
    for (const request of requests) output.result({ ...request }, []);
    return;
  }
  output.line(output.paint('bold', `${pipeline.file.name} ${version}`));
  for (const blob of pipeline.blobs) {
    output.line(`upload ${blob.name}  ${describeSize(blob.content.length)}`);
  }
  for (const { method, path, apiVersion, body } of requests) {
    output.line(`${output.paint('cyan', method)} ${path}?api-version=${apiVersion}`);
    if (body === undefined) continue;
    for (const line of JSON.stringify(body, null, 2).split('\n')) output.line(`  ${line}`);
  }
  output.line();
  output.line(output.paint('bold', 'keys of the file and their fields in Azure'));
  const width = Math.max(...FIELDS.map(({ key }) => key.length));
  for (const { key, body, path } of FIELDS) {
    output.line(`  ${key.padEnd(width)}  ${BODY_NAMES[body]}  ${path}`);
  }
}
