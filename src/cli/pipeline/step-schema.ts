// One step of a bake or a validation: `shell`, `file`, or Image Builder's own customizer. Pure.
import { z } from 'zod';
import { absolutePath, path } from './quantity.ts';

const shellScript = z.strictObject({
  scriptFile: path('A script, relative to this file; sent and run as root.'),
});
const shell = z.union([z.string(), z.array(z.string()).min(1), shellScript]).meta({
  description: 'Command lines run as root, each in a shell of its own; or { scriptFile }.',
});

/** Our short forms and Azure Image Builder's own; which one a step is, is checked below. */
export const stepSchema = z
  .strictObject({
    name: z.string().min(1).max(80).optional(),
    shell: shell.optional(),
    file: z
      .strictObject({
        source: path('A file or folder, relative to this file; app.source when absent.').optional(),
        destination: absolutePath('Where it is put: a folder for a folder, a file for a file.'),
      })
      .optional(),
    type: z.string().optional().meta({ description: "Azure's customizer type: Shell or File." }),
    inline: z.array(z.string()).min(1).optional(),
    scriptUri: z.url().optional(),
    sourceUri: z.url().optional(),
    destination: absolutePath('Absolute path of the file, for type: File.').optional(),
    sha256Checksum: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'is not 64 lower-case hex digits')
      .optional(),
  })
  .superRefine((step, context) => {
    const problem = stepProblem(step);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

type StepKeys = { shell?: unknown; file?: unknown; type?: string | undefined } & {
  [key: string]: unknown;
};

function stepProblem(step: StepKeys): string | undefined {
  const forms = ['shell', 'file', 'type'].filter((key) => step[key] !== undefined);
  if (forms.length !== 1) return 'a step has exactly one of shell:, file: and type:';
  const azureKeys = ['inline', 'scriptUri', 'sourceUri', 'destination', 'sha256Checksum'];
  const given = azureKeys.filter((key) => step[key] !== undefined);
  if (step.type === undefined) {
    return given.length === 0 ? undefined : `${given[0]}: belongs to a step with type:`;
  }
  if (step.type === 'Shell') {
    if ((step['inline'] === undefined) === (step['scriptUri'] === undefined)) {
      return 'type: Shell needs exactly one of inline: and scriptUri:';
    }
    return given.some((key) => key === 'sourceUri' || key === 'destination')
      ? 'sourceUri: and destination: belong to type: File'
      : undefined;
  }
  if (step.type === 'File') {
    return step['sourceUri'] === undefined || step['destination'] === undefined
      ? 'type: File needs sourceUri: and destination:'
      : undefined;
  }
  return ['PowerShell', 'WindowsRestart', 'WindowsUpdate'].includes(step.type)
    ? `type: ${step.type} is for Windows guests, which are not supported: use Shell or File`
    : `type: ${step.type} is not a customizer: use Shell or File`;
}
