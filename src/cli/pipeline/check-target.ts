// What one pipeline file can and cannot mean on one target, before anything is sent. Pure.
import { closest } from 'fastest-levenshtein';
import { findVmSize, VM_SIZES } from '../../model/vm-sizes.ts';
import { CommandFailure } from '../failure.ts';
import type { PipelineFile } from './schema.ts';
import { formatDuration } from './units.ts';

export type Target = 'local' | 'azure';

/** Azure waits this long for an upgraded instance and cannot be told otherwise. */
const AZURE_HEALTH_TIMEOUT_MS = 300_000;

/** Sentences for warnings; throws CommandFailure for what the target cannot honour. */
export function checkTarget(file: PipelineFile, target: Target, fileName: string): string[] {
  const refuse = (sentence: string): never => {
    throw new CommandFailure(`${fileName}: ${sentence}`);
  };
  const { vmSize } = file.fleet;
  if (target === 'local') {
    if (findVmSize(vmSize) === undefined) {
      const near = closest(vmSize, Object.keys(VM_SIZES));
      refuse(`fleet.vmSize: ${vmSize} is not a size known here: did you mean ${near}?`);
    }
    return [];
  }
  const { azure } = file.targets;
  if (azure === undefined)
    return refuse('targets.azure is missing: give subscription and identity');
  if (azure.identity === undefined) {
    refuse('targets.azure.identity is missing: Image Builder works with a user-assigned identity');
  }
  if (file.fleet.adminSshKey === undefined) {
    refuse('fleet.adminSshKey is missing: Azure makes no Linux VM without a key');
  }
  if (file.rollout.healthTimeout !== AZURE_HEALTH_TIMEOUT_MS) {
    const given = formatDuration(file.rollout.healthTimeout);
    refuse(`rollout.healthTimeout: ${given} cannot be had on Azure, which always waits 5m`);
  }
  return [
    'rollout.drain has no counterpart on Azure: open connections of an instance are cut when its turn comes',
  ];
}
