// `rollset bake`: bakes a version and publishes it; the fleet follows by itself.
import type { CliContext } from '../context.ts';
import { checkTarget } from '../pipeline/check-target.ts';
import { readJob, runJob } from './ship.ts';
import type { BakeFlags } from './ship.ts';

export async function runBake(
  context: CliContext,
  flags: BakeFlags,
  file = 'rollset.yaml',
): Promise<void> {
  const job = await readJob(context, flags, file, { bakeOnly: true, noWait: true });
  checkTarget(job.pipeline.file, 'local', file);
  await runJob(context, flags, job);
}
