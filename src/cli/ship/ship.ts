// Ships a version: sources up, image baked and published, fleet followed to its end.
//
// Safe to break off anywhere and to run again: what is there already is used, and nothing that the
// fleet follows exists before the whole image does.
import { parseImageVersion } from '../../model/image-version.ts';
import { resourceName } from '../../model/resource-id.ts';
import type { JsonObject } from '../../model/resource.ts';
import { assertNever } from '../../support/assert.ts';
import type { Clock } from '../../support/clock.ts';
import type { ArmClient, Operation } from '../client/arm-client.ts';
import type { BlobClient } from '../client/blob-client.ts';
import { ContactLost } from '../client/errors.ts';
import { CommandFailure, EXIT } from '../failure.ts';
import { compileShip } from '../pipeline/compile.ts';
import type { CompileContext, ShipRequests } from '../pipeline/compile.ts';
import { addressesOf } from '../fleet/render.ts';
import { parseBase } from '../pipeline/image-source.ts';
import type { ImageSource } from '../pipeline/image-source.ts';
import type { Pipeline } from '../pipeline/load.ts';
import { derivedNames } from '../pipeline/names.ts';
import type { Output } from '../terminal/output.ts';
import { followBake } from './bake.ts';
import { chooseVersion } from './choose-version.ts';
import type { Interrupt } from './interrupt.ts';
import { observeTarget } from './observe-target.ts';
import type { TargetState } from './observe-target.ts';
import { bakeResult, shipResult } from './result.ts';
import type { BakeResult } from './result.ts';
import { followRollOut } from './roll-out.ts';
import type { RollOutEnd } from './roll-out.ts';
import { beginRun, ensureTemplate } from './template.ts';
import { uploadSources } from './upload.ts';

export type ShipOptions = {
  readonly requestedVersion?: string;
  /** `base`, `previous` or a version: what the bake starts from. */
  readonly from: string;
  readonly tags: Readonly<Record<string, string>>;
  /** bake: ends with publication. */
  readonly bakeOnly: boolean;
  /** Ends when the fleet has been told. */
  readonly noWait: boolean;
};

export type ShipParts = {
  readonly arm: ArmClient;
  readonly blobs: BlobClient;
  readonly clock: Clock;
  readonly output: Output;
  readonly interrupt: Interrupt;
};

export type ShipJob = {
  readonly pipeline: Pipeline;
  readonly fileName: string;
  readonly resourceGroup: string;
  readonly options: ShipOptions;
};

/** Returns the exit code; throws CommandFailure with another. */
export async function ship(job: ShipJob, parts: ShipParts): Promise<number> {
  const prepared = await prepare(job, parts).catch((error: unknown) => {
    throw parts.interrupt.requested ? interruptedEarly(error) : error;
  });
  const baked = await unlessLost(parts, prepared, () => bake(prepared, parts));
  if (job.options.bakeOnly) {
    parts.output.result(baked, [`published ${prepared.version} in ${baked.seconds}s`]);
    return EXIT.done;
  }
  if (prepared.lowerThan !== undefined) return leaveUntouched(prepared, baked, parts);
  return unlessLost(parts, prepared, () => rollOut(job, prepared, baked, parts));
}

/** `--dry-run`: what a ship would send now, without sending it. */
export function requestsOf(
  job: ShipJob,
  target: TargetState,
  context: Pick<
    CompileContext,
    'subscriptionId' | 'blobEndpoint' | 'hasFleetProvider' | 'identity'
  >,
): ShipRequests & { version: string; lowerThan?: string } {
  const choice = choose(job, target);
  const place = { subscriptionId: context.subscriptionId, resourceGroup: job.resourceGroup };
  const { source } = chooseSource(job, target, place);
  const requests = compileShip(job.pipeline, {
    ...context,
    ...place,
    ...(target.scaleSet === undefined ? {} : { scaleSet: target.scaleSet }),
    readToken: 'SIGNATURE',
    version: choice.version,
    source,
    artifactTags: job.options.tags,
  });
  return { ...requests, ...choice };
}

type Prepared = ShipRequests & { readonly version: string; readonly lowerThan?: string };

async function prepare(job: ShipJob, parts: ShipParts): Promise<Prepared> {
  const { arm, output, interrupt, clock } = parts;
  const { pipeline, options } = job;
  const place = { subscriptionId: arm.subscriptionId, resourceGroup: job.resourceGroup };
  const target = await observeTarget(arm, derivedNames(pipeline.file.name, place));
  const choice = choose(job, target);
  const { version, lowerThan } = choice;
  if (lowerThan !== undefined) {
    output.warn(
      `version ${version} is lower than ${lowerThan}, the latest: it is published, but no fleet picks it`,
    );
  }
  const { source, note } = chooseSource(job, target, place);
  output.line(
    `${options.bakeOnly ? 'baking' : 'shipping'} ${output.paint('bold', `${pipeline.file.name} ${version}`)} from ${note}`,
  );
  const storage = await uploadSources(pipeline, place, { ...parts, now: clock.now() });
  const requests = compileShip(pipeline, {
    ...place,
    ...storage,
    version,
    source,
    hasFleetProvider: true,
    artifactTags: options.tags,
    ...(target.scaleSet === undefined || options.bakeOnly ? {} : { scaleSet: target.scaleSet }),
  });
  const { gallery, network } = requests;
  for (const request of options.bakeOnly ? gallery : [...gallery, ...network]) {
    await arm.run(request, interrupt.signal);
    interrupt.signal.throwIfAborted();
  }
  await ensureTemplate(requests.template, parts);
  interrupt.signal.throwIfAborted();
  return { ...requests, ...choice };
}

async function bake(prepared: Prepared, parts: ShipParts): Promise<BakeResult> {
  const { clock, output } = parts;
  const { version, templateId, versionId } = prepared;
  const startedAt = clock.now();
  const operation = await beginRun(prepared.run, parts);
  const report = await followBake({ templateId, version }, operation, parts);
  const result = bakeResult({ version, versionId, report, ms: clock.now() - startedAt });
  const title = output.paint('green', `published ${version}`);
  output.line(`${title}  ${result.seconds}s  ${versionId}`);
  return result;
}

async function rollOut(
  job: ShipJob,
  prepared: Prepared,
  baked: BakeResult,
  parts: ShipParts,
): Promise<number> {
  const { arm, clock, output, interrupt } = parts;
  const { version, names } = prepared;
  const changes: Operation[] = [];
  const startedAt = clock.now();
  for (const request of prepared.fleet) changes.push(await arm.begin(request));
  if (job.options.noWait) {
    output.result({ ...baked }, [`the fleet takes ${version}: follow it with \`rollset watch\``]);
    return EXIT.done;
  }
  const goal = { version, healthTimeoutMs: job.pipeline.file.rollout.healthTimeout };
  const end = await followRollOut(names.scaleSetId, goal, changes, {
    arm,
    clock,
    output,
    interrupt,
  });
  const result = shipResult(baked, end, clock.now() - startedAt);
  return conclude(end, result, prepared, output);
}

function conclude(
  end: RollOutEnd,
  result: JsonObject,
  { version, names }: Prepared,
  output: Output,
): number {
  const { verdict, status } = end;
  switch (verdict.kind) {
    case 'reached': {
      const where = status === undefined ? [] : addressesOf(status);
      const lines = [
        `every instance is Healthy on ${version}${where.length > 0 ? `: ${where.join(', ')}` : ''}`,
      ];
      output.result(
        result,
        lines.map((line) => output.paint('green', line)),
      );
      return EXIT.done;
    }
    case 'interrupted':
      throw new CommandFailure(
        `left the roll-out of ${version} to the control plane: follow it with \`rollset watch\`, stop it with \`az vmss rolling-upgrade cancel -g ${names.resourceGroup} -n ${resourceName(names.scaleSetId)}\``,
        { exitCode: EXIT.interrupted },
      );
    case 'stopped':
      output.result(result, []);
      throw new CommandFailure(
        `${verdict.sentence}; see \`rollset history\` and \`rollset status\``,
        {
          exitCode: verdict.touched ? EXIT.rolledBack : EXIT.failed,
        },
      );
    case 'stuck':
      throw new CommandFailure(`${verdict.sentence}; follow it with \`rollset watch\``, {
        exitCode: EXIT.unknown,
      });
    default:
      return assertNever(verdict);
  }
}

function leaveUntouched(prepared: Prepared, baked: BakeResult, { output }: ShipParts): number {
  output.result({ ...baked }, []);
  throw new CommandFailure(
    `version ${prepared.version} is published, but the fleet follows ${prepared.lowerThan}: no instance was touched`,
  );
}

function choose(job: ShipJob, target: TargetState) {
  return chooseVersion({
    requested: job.options.requestedVersion,
    existing: target.versions.map(({ name }) => name),
    latest: target.latest,
  });
}

function chooseSource(
  { pipeline, options, fileName }: ShipJob,
  target: TargetState,
  place: { subscriptionId: string; resourceGroup: string },
): { source: ImageSource; note: string } {
  const { base } = pipeline.file.image;
  const fromBase = { source: parseBase(base, fileName), note: base };
  if (options.from === 'base') return fromBase;
  const wanted = options.from === 'previous' ? target.latest : options.from;
  if (wanted === undefined) return { ...fromBase, note: `${base} (there is no previous version)` };
  if (parseImageVersion(wanted) === undefined) {
    throw new CommandFailure(`--from ${wanted}: write base, previous or a version such as 1.0.0`);
  }
  const found = target.versions.find(({ name }) => name === wanted);
  if (found?.provisioningState !== 'Succeeded') {
    throw new CommandFailure(
      `--from ${wanted}: there is no such version; see \`rollset versions\``,
    );
  }
  const { definitionId } = derivedNames(pipeline.file.name, place);
  const imageVersionId = `${definitionId}/versions/${wanted}`;
  return { source: { kind: 'version', imageVersionId }, note: `version ${wanted}` };
}

function interruptedEarly(error: unknown): CommandFailure {
  return new CommandFailure('interrupted before the bake began: nothing was published', {
    exitCode: EXIT.interrupted,
    cause: error,
  });
}

/** From the moment the bake was asked for, silence means that the outcome is not known. */
async function unlessLost<T>(
  { output }: ShipParts,
  { version }: Prepared,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ContactLost)) throw error;
    output.keepLive();
    throw new CommandFailure(
      `lost contact while shipping ${version}, so its outcome is unknown; when the control plane is back, \`rollset watch\` shows it (${error.message})`,
      { exitCode: EXIT.unknown, cause: error },
    );
  }
}
