// Runs the commands people ask for in an instance (`runCommand`), each once.
//
// A command is not idempotent, so one that a crash cut off is never run again: it ends as Failed
// and says so.
import { z } from 'zod';
import type { Engine } from '../engines/engine.ts';
import { commitAgain } from '../operations/commit-again.ts';
import { followOperations } from '../operations/follow-operations.ts';
import { endOperation, isOpen, type OperationOutcome } from '../operations/operations.ts';
import type { Store, Stored } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import { instanceKey } from './keys.ts';

/** Azure's run command ends a script after 90 minutes. */
const COMMAND_TIMEOUT_MS = 90 * 60_000;

export type CommandDependencies = {
  readonly store: Store;
  readonly engine: Pick<Engine, 'exec'>;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
};

/** Ends commands cut off by a crash, then runs new ones. Returns the function that stops it. */
export async function runCommands(deps: CommandDependencies): Promise<() => void> {
  const begun = new Set<string>();
  let adopting = true;
  const stop = await followOperations(
    deps.store,
    ['instance.runCommand'],
    (operation) => {
      if (begun.has(operation.key)) return;
      begun.add(operation.key);
      const outcome = adopting ? Promise.resolve(INTERRUPTED) : runCommand(operation, deps);
      outcome
        .then((result) => end(operation.key, result, deps))
        .catch(deps.onError)
        .finally(() => begun.delete(operation.key));
    },
    deps.onError,
  );
  adopting = false;
  return stop;
}

const commandInput = z.object({ instanceId: z.string(), script: z.array(z.string()) });

const INTERRUPTED: OperationOutcome = {
  status: 'Failed',
  error: {
    code: 'OperationInterrupted',
    message:
      'The control plane was restarted while the command ran; whether it finished is not known. Run it again if that is safe.',
  },
};

async function runCommand(
  { body }: Stored<'operation'>,
  { store, engine }: CommandDependencies,
): Promise<OperationOutcome> {
  const { instanceId: id, script } = commandInput.parse(body.input);
  const instance = await store.get('instance', instanceKey(body.resourceId, id));
  if (instance === undefined) {
    const message = `The instance ${id} of ${body.resourceId} is gone.`;
    return { status: 'Failed', error: { code: 'NotFound', message } };
  }
  try {
    const result = await engine.exec(instance.body.vmId, script.join('\n'), {
      timeoutMs: COMMAND_TIMEOUT_MS,
    });
    const { stdout, stderr, exitCode } = result;
    return { status: 'Succeeded', output: { stdout, stderr, exitCode } };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { status: 'Failed', error: { code: 'RunCommandFailed', message } };
  }
}

function end(key: string, outcome: OperationOutcome, deps: CommandDependencies): Promise<void> {
  return commitAgain(deps.store, async () => {
    const operation = await deps.store.get('operation', key);
    if (operation === undefined || !isOpen(operation)) return undefined;
    return [endOperation(operation, outcome, deps.clock.now())];
  });
}
