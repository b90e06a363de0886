// Runs a script in an instance by Azure's runCommand, and reads what came of it.
import { z } from 'zod';
import type { JsonObject } from '../../model/resource.ts';
import type { ArmClient } from '../client/arm-client.ts';
import { CommandFailure } from '../failure.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';

export type CommandResult = {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
};

/** runCommand tells no exit code, so the script's last line does. */
const EXIT_MARK = 'rollset-exit-code';

const MARK_LINE = new RegExp(`\\n${EXIT_MARK}:\\d+\\s*$`);
const MARKED = new RegExp(`^([\\s\\S]*)\\n${EXIT_MARK}:(\\d+)\\s*$`);
const JOINED = new RegExp(
  `\\[stdout\\]\\n([\\s\\S]*)\\n${EXIT_MARK}:(\\d+)\\n+\\[stderr\\]\\n?([\\s\\S]*)$`,
);

const resultSchema = z.looseObject({
  // Not Azure's, but a control plane of ours says it outright.
  stdout: z.string().nullish(),
  stderr: z.string().nullish(),
  exitCode: z.int().nullish(),
  value: z.array(z.looseObject({ code: z.string().default(''), message: z.string().nullish() })),
});

export async function runInInstance(
  arm: ArmClient,
  scaleSetId: string,
  instanceId: string,
  command: string,
): Promise<CommandResult> {
  const answer = await arm.run({
    method: 'POST',
    path: `${scaleSetId}/virtualMachines/${instanceId}/runCommand`,
    apiVersion: API_VERSIONS.compute,
    body: { commandId: 'RunShellScript', script: wrap(command) },
  });
  return parseResult(answer);
}

/** In a subshell, so that an `exit` of the command does not skip the mark. */
function wrap(command: string): string[] {
  return ['(', command, ')', 'code=$?', `printf '\\n${EXIT_MARK}:%s\\n' "$code"`, 'exit "$code"'];
}

/** Azure answers with one message for both streams, or with one status for each. */
export function parseResult(answer: JsonObject): CommandResult {
  const { value, ...own } = resultSchema.parse(answer);
  if (typeof own.exitCode === 'number') {
    const stdout = (own.stdout ?? '').replace(MARK_LINE, '');
    return { stdout, stderr: own.stderr ?? '', exitCode: own.exitCode };
  }
  const messageOf = (pattern: RegExp) => value.find(({ code }) => pattern.test(code))?.message;
  const joined = value[0]?.message ?? '';
  // Output may itself hold "[stderr]", so the mark decides where stdout ends.
  const parts = JOINED.exec(joined);
  if (parts !== null) {
    return { stdout: parts[1] ?? '', stderr: parts[3] ?? '', exitCode: Number(parts[2]) };
  }
  const stdout = messageOf(/stdout/i) ?? joined;
  const stderr = messageOf(/stderr/i) ?? '';
  const end = MARKED.exec(stdout);
  if (end !== null) return { stdout: end[1] ?? '', stderr, exitCode: Number(end[2]) };
  const said = [stdout, stderr].join('\n').trim().slice(-500);
  throw new CommandFailure(
    `the command did not come to its end in the instance: ${said || 'it said nothing'}`,
  );
}
