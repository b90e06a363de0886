// Does the steps of a run, one executor per action. A step gets the facts that earlier steps found
// out and returns those it adds. Nothing here is published: `publish` is one commit of its own.
import type { Engine, ImageEngine } from '../../engines/engine.ts';
import type { ImageManifest } from '../../model/image.ts';
import type { Store } from '../../store/store.ts';
import type { Clock } from '../../support/clock.ts';
import { POWER_OFF_GRACE_MS } from '../limits.ts';
import type { ImageTemplate } from '../template.ts';
import { runGuestStep, runAsRoot, startGuest } from './guest.ts';
import { unlessAborted } from './abort.ts';
import { BUILD_HOSTNAME, deprovisionCommand, prepareCommand } from './guest-scripts.ts';
import type { RunStep, RunVm } from './plan.ts';
import { resolveSource } from './resolve-source.ts';
import type { RunLog } from './run-log.ts';
import { StepFailure } from './step-failure.ts';

export type RunEnvironment = {
  readonly runId: string;
  readonly template: ImageTemplate;
  readonly store: Pick<Store, 'get' | 'list'>;
  readonly engine: Engine & ImageEngine;
  readonly clock: Clock;
  readonly log: RunLog;
  /** Aborted with a RunEnded when the run is canceled or out of time. */
  readonly signal: AbortSignal;
  /** Files of the template, fetched at submission. */
  readonly templateFolder: string;
  /** Texts that no image may carry. */
  readonly forbidden: readonly string[];
};

export type RunFacts = {
  /** What the build VM starts from. */
  readonly source?: ImageManifest;
  /** What was built. */
  readonly image?: ImageManifest;
};

/** Every step but `publish`. */
export type WorkStep = Exclude<RunStep, { action: 'publish' }>;

type Executors = {
  readonly [A in WorkStep['action']]: (
    step: Extract<WorkStep, { action: A }>,
    facts: RunFacts,
    env: RunEnvironment,
  ) => Promise<Partial<RunFacts>>;
};

const executors: Executors = {
  resolveSource: async (step, _facts, env) => ({ source: await resolveSource(step.source, env) }),

  startVm: async ({ vm }, facts, env) => {
    const image = vm === 'build' ? known(facts.source, 'source') : known(facts.image, 'image');
    await startGuest(env, vmSpec(env, vm, image));
    const prepare = prepareCommand(image.boot.release, env.clock.now());
    await runAsRoot(env, vmIdOf(env.runId, vm), prepare);
    return {};
  },

  runGuestStep: async ({ vm, guestStep }, _facts, env) => {
    await runGuestStep(env, vmIdOf(env.runId, vm), guestStep);
    return {};
  },

  deprovision: async (_step, facts, env) => {
    const { release } = known(facts.source, 'source').boot;
    await runAsRoot(env, vmIdOf(env.runId, 'build'), deprovisionCommand(release, env.forbidden));
    return {};
  },

  capture: async (_step, _facts, env) => {
    const vmId = vmIdOf(env.runId, 'build');
    const askedAtMs = env.clock.now();
    await unlessAborted(env.engine.powerOff(vmId, { graceMs: POWER_OFF_GRACE_MS }), env.signal);
    // A guest that had to be cut off has not written everything it holds in memory.
    if (env.clock.now() - askedAtMs >= POWER_OFF_GRACE_MS) {
      const seconds = POWER_OFF_GRACE_MS / 1000;
      throw new StepFailure(`the build VM did not power off by itself within ${seconds} s`);
    }
    const image = await env.engine.capture(vmId);
    env.log.note(`new layer of ${image.layers.at(-1)?.sizeBytes ?? 0} bytes`);
    await env.engine.delete(vmId);
    return { image };
  },
};

export async function executeStep(
  step: WorkStep,
  facts: RunFacts,
  env: RunEnvironment,
): Promise<Partial<RunFacts>> {
  env.signal.throwIfAborted();
  // The table is typed by action; TypeScript cannot follow one union member through it.
  const executor = executors[step.action] as (
    step: WorkStep,
    facts: RunFacts,
    env: RunEnvironment,
  ) => Promise<Partial<RunFacts>>;
  const found = await executor(step, facts, env);
  env.signal.throwIfAborted();
  return found;
}

/** The engine's names of a run's VMs. */
export function vmIdOf(runId: string, vm: RunVm): string {
  return `${vm}-${runId}`;
}

function vmSpec(env: RunEnvironment, vm: RunVm, image: ImageManifest) {
  const vmId = vmIdOf(env.runId, vm);
  return {
    vmId,
    kind: vm,
    label: `${vm} of ${env.template.name}`,
    hostname: BUILD_HOSTNAME,
    vCPUs: env.template.vCPUs,
    memoryMib: env.template.memoryMib,
    osDisk: { diskId: vmId, image, tags: {} },
    dataDisks: [],
    ports: [],
    // Only a build may fetch: a validation shows what the image can do by itself.
    egress: vm === 'build',
    sshPublicKeys: [],
  } as const;
}

function known<T>(fact: T | undefined, name: string): T {
  if (fact === undefined) throw new StepFailure(`the plan has no step that gives the ${name}`);
  return fact;
}
