// Where a pipeline's resources go on each target. Pure.
import type { Target } from './check-target.ts';
import type { PipelineFile } from './schema.ts';

export function resourceGroupOf(file: PipelineFile, target: Target): string {
  return file.targets[target]?.resourceGroup ?? `${file.name}-rg`;
}
