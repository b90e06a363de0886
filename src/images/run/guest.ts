// Starts a build or validation VM and runs steps in it.
import { join } from 'node:path';
import type { ExecOptions, VmSpec } from '../../engines/engine.ts';
import { assertNever } from '../../support/assert.ts';
import type { FetchedFile, GuestStep } from '../customizers.ts';
import { BOOT_TIMEOUT_MS, GUEST_POLL_MS, POLLS_PER_VM_CHECK } from '../limits.ts';
import { unlessAborted } from './abort.ts';
import type { RunEnvironment } from './execute.ts';
import {
  BROUGHT_IN,
  BUILD_USER,
  placeFileCommand,
  runInlineCommand,
  runScriptCommand,
} from './guest-scripts.ts';
import { StepFailure } from './step-failure.ts';

const CONSOLE_TAIL_BYTES = 8 * 1024;

/**
 * Returns when the guest's OS has answered. Making and starting a VM is not interrupted: it takes a
 * moment, and a VM that appears after its own removal would be left behind.
 */
export async function startGuest(env: RunEnvironment, spec: VmSpec): Promise<void> {
  const { engine, signal } = env;
  await engine.create(spec);
  signal.throwIfAborted();
  await engine.start(spec.vmId);
  await waitForGuest(env, spec.vmId);
}

async function waitForGuest(env: RunEnvironment, vmId: string): Promise<void> {
  const { clock, engine, signal } = env;
  const deadline = clock.now() + BOOT_TIMEOUT_MS;
  for (let poll = 1; ; poll += 1) {
    if ((await unlessAborted(engine.guestReport(vmId), signal)) !== undefined) return;
    if (poll % POLLS_PER_VM_CHECK === 0) {
      const vm = await engine.find(vmId);
      if (vm?.power !== 'running') throw await vmFailure(env, vmId, 'ended while it booted');
    }
    if (clock.now() > deadline) {
      throw await vmFailure(env, vmId, `did not answer within ${BOOT_TIMEOUT_MS / 1000} s`);
    }
    await clock.sleep(GUEST_POLL_MS, signal);
  }
}

/** The console says why; it goes to the log and so into the last lines of the message. */
async function vmFailure(env: RunEnvironment, vmId: string, what: string): Promise<StepFailure> {
  env.log.output(`${await env.engine.consoleLog(vmId, CONSOLE_TAIL_BYTES)}\n`);
  return new StepFailure(`the VM ${what}`);
}

export async function runGuestStep(
  env: RunEnvironment,
  vmId: string,
  step: GuestStep,
): Promise<void> {
  switch (step.kind) {
    case 'inline':
      return run(env, vmId, runInlineCommand(step.script), BUILD_USER);
    case 'script':
      await bringIn(env, vmId, step.file);
      return run(env, vmId, runScriptCommand(), BUILD_USER);
    case 'file':
      await bringIn(env, vmId, step.file);
      return run(env, vmId, placeFileCommand(step.destination), BUILD_USER);
    default:
      return assertNever(step);
  }
}

async function bringIn(env: RunEnvironment, vmId: string, file: FetchedFile): Promise<void> {
  const hostPath = join(env.templateFolder, file.fileName);
  const options = { mode: 0o755, user: BUILD_USER };
  await whileVmRuns(env, vmId, env.engine.copyIn(vmId, hostPath, BROUGHT_IN, options));
}

export async function runAsRoot(env: RunEnvironment, vmId: string, command: string): Promise<void> {
  await run(env, vmId, command, undefined);
}

async function run(
  env: RunEnvironment,
  vmId: string,
  command: string,
  user: string | undefined,
): Promise<void> {
  const options: ExecOptions = {
    // The run's own clock ends it first; this is for an engine that lost its guest.
    timeoutMs: env.template.buildTimeoutMs,
    signal: env.signal,
    onOutput: (text) => env.log.output(text),
    ...(user === undefined ? {} : { user }),
  };
  const result = await whileVmRuns(env, vmId, env.engine.exec(vmId, command, options));
  if (result.timedOut) {
    throw new StepFailure(`it did not end within ${env.template.buildTimeoutMs / 60_000} min`);
  }
  if (result.exitCode !== 0) {
    throw new StepFailure(`it ended with exit code ${result.exitCode}`, result.exitCode);
  }
}

/** A guest that powers off or crashes in the middle of a step answers no more: do not wait for it. */
async function whileVmRuns<T>(env: RunEnvironment, vmId: string, work: Promise<T>): Promise<T> {
  const over = new AbortController();
  const unwatch = env.engine.onExit((ended) => {
    if (ended === vmId) over.abort();
  });
  try {
    return await unlessAborted(work, AbortSignal.any([env.signal, over.signal]));
  } catch (error) {
    if (over.signal.aborted && !env.signal.aborted) {
      throw await vmFailure(env, vmId, 'ended during this step');
    }
    throw error;
  } finally {
    unwatch();
  }
}
