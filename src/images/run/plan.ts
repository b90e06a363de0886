// A run as data: every step from the template, before anything is done. Pure.
import type { DistributeTarget } from '../distribute.ts';
import type { GuestStep } from '../customizers.ts';
import type { ImageTemplate, TemplateSource } from '../template.ts';

/** Our finer division of Azure's runSubState, as the report and the log name it. */
export type RunPhase =
  | 'Building'
  | 'Customizing'
  | 'Deprovisioning'
  | 'Validating'
  | 'Distributing';
/** As `lastRunStatus.runSubState` knows them. */
export type RunSubState = 'Queued' | 'Building' | 'Customizing' | 'Validating' | 'Distributing';

export type RunVm = 'build' | 'validation';

type Named = { readonly name: string; readonly phase: RunPhase };

export type RunStep = Named &
  (
    | { readonly action: 'resolveSource'; readonly source: TemplateSource }
    | { readonly action: 'startVm'; readonly vm: RunVm }
    | { readonly action: 'runGuestStep'; readonly vm: RunVm; readonly guestStep: GuestStep }
    | { readonly action: 'deprovision' }
    | { readonly action: 'capture' }
    | { readonly action: 'publish'; readonly targets: readonly DistributeTarget[] }
  );

/** A validation VM is started only when there is something to validate, as on Azure. */
export function planRun(template: ImageTemplate): readonly RunStep[] {
  return [
    { action: 'resolveSource', phase: 'Building', name: 'source image', source: template.source },
    { action: 'startVm', phase: 'Building', name: 'build VM', vm: 'build' },
    ...template.customize.map((guestStep): RunStep => {
      return inGuest('build', 'Customizing', guestStep);
    }),
    { action: 'deprovision', phase: 'Deprovisioning', name: 'deprovision' },
    { action: 'capture', phase: 'Deprovisioning', name: 'capture' },
    ...planValidation(template),
    { action: 'publish', phase: 'Distributing', name: 'publish', targets: template.distribute },
  ];
}

function planValidation(template: ImageTemplate): RunStep[] {
  if (template.validate.length === 0) return [];
  return [
    { action: 'startVm', phase: 'Validating', name: 'validation VM', vm: 'validation' },
    ...template.validate.map((guestStep) => inGuest('validation', 'Validating', guestStep)),
  ];
}

function inGuest(vm: RunVm, phase: RunPhase, guestStep: GuestStep): RunStep {
  return { action: 'runGuestStep', phase, name: guestStep.name, vm, guestStep };
}

export function runSubStateOf(phase: RunPhase): RunSubState {
  return phase === 'Deprovisioning' ? 'Customizing' : phase;
}
