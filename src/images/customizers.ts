// Compiles a template's customizers and validators to steps that a guest can execute. Pure.
//
// Azure's Image Builder hands them to Packer: `inline` lines become one script run by `/bin/sh -e`,
// a script file is made executable and run as it is, a File is copied by the same ordinary user.
import { z } from 'zod';
import { INLINE_SCRIPT_BYTES_MAX } from './limits.ts';
import { type ProvisioningErrorCode, TemplateError } from './template-error.ts';

/** A file fetched when the template is submitted; `fileName` is its place in the template's folder. */
export type FetchedFile = {
  readonly fileName: string;
  readonly uri: string;
  /** 64 hex digits, lower case. */
  readonly sha256Checksum?: string;
};

export type GuestStep =
  /** Lines run by `/bin/sh -e`. */
  | { readonly kind: 'inline'; readonly name: string; readonly script: string }
  | { readonly kind: 'script'; readonly name: string; readonly file: FetchedFile }
  | {
      readonly kind: 'file';
      readonly name: string;
      readonly file: FetchedFile;
      readonly destination: string;
    };

/** What differs between customizers and validators: words and codes. */
type Role = {
  readonly folder: 'customize' | 'validate';
  readonly path: string;
  readonly badType: ProvisioningErrorCode;
  readonly unsupportedType: ProvisioningErrorCode;
  readonly noScript: ProvisioningErrorCode;
};

const CUSTOMIZER: Role = {
  folder: 'customize',
  path: 'ImageTemplate.properties.customize',
  badType: 'BadCustomizerType',
  unsupportedType: 'UnsupportedCustomizerType',
  noScript: 'NoCustomizerScript',
};

const VALIDATOR: Role = {
  folder: 'validate',
  path: 'ImageTemplate.properties.validate.inVMValidations',
  badType: 'BadValidatorType',
  unsupportedType: 'UnsupportedValidatorType',
  noScript: 'NoValidatorScript',
};

/** Azure's types for Windows guests. */
const WINDOWS_TYPES = ['PowerShell', 'WindowsRestart', 'WindowsUpdate'];

const checksum = z
  .string()
  .regex(/^([0-9a-f]{64})?$/, 'must be 64 lower-case hex digits')
  .nullish();
const shellSchema = z.looseObject({
  name: z.string().nullish(),
  inline: z.array(z.string()).nullish(),
  scriptUri: z.string().nullish(),
  sha256Checksum: checksum,
});
const fileSchema = z.looseObject({
  name: z.string().nullish(),
  sourceUri: z.string().nullish(),
  destination: z.string().regex(/^\/.*[^/]$/, 'must be the absolute path of a file'),
  sha256Checksum: checksum,
});

export function compileCustomizers(items: readonly { type: string }[]): GuestStep[] {
  return items.map((item, index) => compile(item, index, CUSTOMIZER));
}

export function compileValidators(items: readonly { type: string }[]): GuestStep[] {
  return items.map((item, index) => compile(item, index, VALIDATOR));
}

/** Every file the steps need. */
export function filesOf(steps: readonly GuestStep[]): FetchedFile[] {
  return steps.flatMap((step) => (step.kind === 'inline' ? [] : [step.file]));
}

function compile(item: { type: string }, index: number, role: Role): GuestStep {
  if (item.type === 'Shell') return compileShell(item, index, role);
  if (item.type === 'File') return compileFile(item, index, role);
  const where = `${role.path}[${index}]`;
  if (WINDOWS_TYPES.includes(item.type)) {
    throw new TemplateError(
      role.unsupportedType,
      `${where}: type ${item.type} is for Windows; Linux images take Shell and File.`,
    );
  }
  throw new TemplateError(
    role.badType,
    `${where}: type "${item.type}" is not known; it can be Shell or File.`,
  );
}

function compileShell(item: object, index: number, role: Role): GuestStep {
  const where = `${role.path}[${index}]`;
  const shell = parse(shellSchema, item, where, role.noScript);
  const inline = shell.inline ?? [];
  const name = shell.name || `shell ${index + 1}`;
  if (inline.length > 0 && shell.scriptUri) {
    throw new TemplateError(role.noScript, `${where}: give inline or scriptUri, not both.`);
  }
  if (inline.length > 0) return { kind: 'inline', name, script: toScript(inline, where, role) };
  if (!shell.scriptUri) {
    throw new TemplateError(role.noScript, `${where}: a Shell step needs inline or scriptUri.`);
  }
  return { kind: 'script', name, file: fetched(shell.scriptUri, shell, index, role) };
}

function compileFile(item: object, index: number, role: Role): GuestStep {
  const where = `${role.path}[${index}]`;
  const file = parse(fileSchema, item, where, role.badType);
  if (!file.sourceUri) {
    throw new TemplateError(role.noScript, `${where}: a File step needs sourceUri.`);
  }
  return {
    kind: 'file',
    name: file.name || `file ${index + 1}`,
    file: fetched(file.sourceUri, file, index, role),
    destination: file.destination,
  };
}

function toScript(lines: readonly string[], where: string, role: Role): string {
  const script = `${lines.join('\n')}\n`;
  if (Buffer.byteLength(script) <= INLINE_SCRIPT_BYTES_MAX) return script;
  throw new TemplateError(
    role.noScript,
    `${where}: inline is longer than ${INLINE_SCRIPT_BYTES_MAX} bytes; use scriptUri.`,
  );
}

function fetched(
  uri: string,
  { sha256Checksum }: { sha256Checksum?: string | null | undefined },
  index: number,
  role: Role,
): FetchedFile {
  return {
    fileName: `${role.folder}-${index}`,
    uri,
    ...(sha256Checksum ? { sha256Checksum } : {}),
  };
}

function parse<T>(
  schema: z.ZodType<T>,
  item: object,
  where: string,
  code: ProvisioningErrorCode,
): T {
  const parsed = schema.safeParse(item);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join('.') ?? '';
  throw new TemplateError(code, `${where}: field ${field} ${issue?.message ?? 'has a bad value'}.`);
}
