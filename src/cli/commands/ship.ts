// `rollset ship`: bakes a version, publishes it, waits for the fleet.
import { resolve } from 'node:path';
import { CommandFailure, EXIT } from '../failure.ts';
import type { CliContext } from '../context.ts';
import type { ServiceFlags } from '../flags.ts';
import { checkTarget } from '../pipeline/check-target.ts';
import { loadPipeline } from '../pipeline/load.ts';
import { resourceGroupOf } from '../pipeline/place.ts';
import { openOutput, withSession } from '../session.ts';
import { dryRun } from '../ship/dry-run.ts';
import { Interrupt } from '../ship/interrupt.ts';
import { ship } from '../ship/ship.ts';
import type { ShipJob } from '../ship/ship.ts';

export type BakeFlags = ServiceFlags & {
  readonly version?: string;
  readonly from: string;
  readonly tag?: readonly string[];
};

export type ShipFlags = BakeFlags & {
  readonly target: 'local' | 'azure';
  readonly noWait: boolean;
  readonly dryRun: boolean;
};

export async function runShip(
  context: CliContext,
  flags: ShipFlags,
  file = 'rollset.yaml',
): Promise<void> {
  const output = openOutput(flags, context);
  const job = await readJob(context, flags, file, { bakeOnly: false, noWait: flags.noWait });
  for (const sentence of checkTarget(job.pipeline.file, flags.target, file)) output.warn(sentence);
  if (flags.dryRun) {
    const group = resourceGroupOf(job.pipeline.file, flags.target);
    await dryRun({ ...job, resourceGroup: group }, flags.target, flags, context);
    return;
  }
  if (flags.target === 'azure') {
    throw new CommandFailure(
      'shipping to Azure is not built yet: --dry-run --target azure prints the requests it takes',
    );
  }
  await runJob(context, flags, job);
}

/** Shared with `bake`. */
export async function readJob(
  context: CliContext,
  flags: BakeFlags,
  file: string,
  ends: { readonly bakeOnly: boolean; readonly noWait: boolean },
): Promise<ShipJob> {
  const pipeline = await loadPipeline(file === resolve(file) ? file : inFolder(context.cwd, file));
  return {
    pipeline,
    fileName: file,
    resourceGroup: resourceGroupOf(pipeline.file, 'local'),
    options: {
      ...(flags.version === undefined ? {} : { requestedVersion: flags.version }),
      from: flags.from,
      tags: parseTags(flags.tag ?? []),
      ...ends,
    },
  };
}

/** Shared with `bake`. */
export async function runJob(
  context: CliContext,
  flags: ServiceFlags,
  job: ShipJob,
): Promise<void> {
  const interrupt = new Interrupt(context);
  try {
    const { clock } = context;
    const exitCode = await withSession(flags, context, ({ arm, blobs, output }) =>
      ship(job, { arm, blobs, clock, output, interrupt }),
    );
    context.process.exitCode = exitCode;
  } catch (error) {
    if (!interrupt.requested || error instanceof CommandFailure) throw error;
    throw new CommandFailure('interrupted', { exitCode: EXIT.interrupted, cause: error });
  } finally {
    interrupt.dispose();
  }
}

/** Messages name the file as people typed it when the command runs where they are. */
function inFolder(cwd: string, file: string): string {
  return cwd === process.cwd() ? file : resolve(cwd, file);
}

function parseTags(tags: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    tags.map((tag) => {
      const at = tag.indexOf('=');
      if (at > 0) return [tag.slice(0, at), tag.slice(at + 1)];
      throw new CommandFailure(`--tag ${tag}: write KEY=VALUE`);
    }),
  );
}
