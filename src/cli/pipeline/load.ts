// Reads a pipeline file and everything it names: sources are packed, scripts, keys and customData
// are read. What comes out is complete: compile.ts needs no disk.
import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { CommandFailure } from '../failure.ts';
import { packFolder, readBlob } from './archive.ts';
import type { Blob } from './archive.ts';
import { parsePipeline } from './parse.ts';
import type { PipelineFile, PipelineStep } from './schema.ts';

/** One step of the bake, its sources by content. */
export type SourceStep = { readonly name: string } & (
  | { readonly kind: 'commands'; readonly lines: readonly string[] }
  | { readonly kind: 'script'; readonly blob: Blob }
  | { readonly kind: 'folder'; readonly blob: Blob; readonly destination: string }
  | {
      readonly kind: 'file';
      readonly blob: Blob;
      readonly destination: string;
      readonly mode: '0644' | '0755';
    }
  /** Azure's own customizer, passed on as it is. */
  | { readonly kind: 'azure'; readonly customizer: Readonly<Record<string, string | string[]>> }
);

export type Pipeline = {
  readonly file: PipelineFile;
  readonly customize: readonly SourceStep[];
  readonly validate: readonly SourceStep[];
  /** Each once, though several steps may use it. */
  readonly blobs: readonly Blob[];
  readonly customData?: string;
  readonly adminSshKey?: string;
};

/** Shown in step names; longer commands are cut. */
const STEP_NAME_LENGTH = 60;

export async function readPipelineFile(path: string): Promise<PipelineFile> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
      throw new CommandFailure(
        `${path} does not exist: write a first one with \`rollset init\`, or name another file`,
      );
    }
    throw new CommandFailure(`${path} cannot be read: ${String(error)}`, { cause: error });
  });
  return parsePipeline(text, path);
}

/** `path` is shown in messages as given. */
export async function loadPipeline(path: string): Promise<Pipeline> {
  const file = await readPipelineFile(path);
  const reader = new SourceReader(path, file);
  await reader.checkApp();
  const customize = await reader.steps(file.image.customize, 'image.customize');
  const validate = await reader.steps(file.image.validate, 'image.validate');
  const { customData, adminSshKey } = file.fleet;
  return {
    file,
    customize,
    validate,
    blobs: reader.blobs(),
    ...(customData === undefined ? {} : { customData: await reader.customData(customData) }),
    ...(adminSshKey === undefined ? {} : { adminSshKey: await reader.sshKey(adminSshKey) }),
  };
}

/** Reads sources once each; paths are relative to the pipeline file's folder. */
class SourceReader {
  readonly #fileName: string;
  readonly #folder: string;
  readonly #appSource: string;
  readonly #blobs = new Map<string, Blob>();

  constructor(fileName: string, file: PipelineFile) {
    this.#fileName = fileName;
    this.#folder = resolve(dirname(fileName));
    this.#appSource = file.app.source;
  }

  blobs(): Blob[] {
    return [...new Map([...this.#blobs.values()].map((blob) => [blob.name, blob])).values()];
  }

  async checkApp(): Promise<void> {
    const { stats } = await this.#stat(this.#appSource, 'app.source');
    if (!stats.isDirectory()) throw this.#failure('app.source', `${this.#appSource} is no folder`);
  }

  async steps(steps: readonly PipelineStep[], field: string): Promise<SourceStep[]> {
    const found: SourceStep[] = [];
    for (const [index, step] of steps.entries()) {
      found.push(await this.#step(step, `${field}[${index}]`));
    }
    return found;
  }

  async #step(step: PipelineStep, field: string): Promise<SourceStep> {
    const { name, shell, file, type, ...rest } = step;
    if (shell !== undefined) {
      if (typeof shell === 'object' && !Array.isArray(shell)) {
        const where = `${field}.shell.scriptFile`;
        const blob = await this.#blob(shell.scriptFile, where);
        if (blob.content.subarray(0, 2).toString() !== '#!') {
          throw this.#failure(where, `${shell.scriptFile} is no script: it must begin with #!`);
        }
        return { kind: 'script', name: name ?? shortened(shell.scriptFile), blob };
      }
      const lines = typeof shell === 'string' ? [shell] : shell;
      return { kind: 'commands', name: name ?? shortened(lines[0] ?? ''), lines };
    }
    if (file !== undefined) return this.#fileStep(file, name, field);
    const customizer = Object.fromEntries(
      Object.entries(rest).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
    );
    const shown = name ?? `${type} ${field.slice(field.lastIndexOf('['))}`;
    return { kind: 'azure', name: shown, customizer: { type: type ?? '', ...customizer } };
  }

  async #fileStep(
    file: NonNullable<PipelineStep['file']>,
    name: string | undefined,
    field: string,
  ): Promise<SourceStep> {
    const source = file.source ?? this.#appSource;
    const where = file.source === undefined ? 'app.source' : `${field}.file.source`;
    const { path, stats } = await this.#stat(source, where);
    const shown = name ?? shortened(`${source} -> ${file.destination}`);
    const blob = await this.#blob(source, where);
    if (stats.isDirectory()) {
      return { kind: 'folder', name: shown, blob, destination: file.destination };
    }
    const into = file.destination.endsWith('/');
    const destination = into ? `${file.destination}${basename(path)}` : file.destination;
    const mode = (stats.mode & 0o100) === 0 ? '0644' : '0755';
    return { kind: 'file', name: shown, blob, destination, mode };
  }

  async #blob(source: string, field: string): Promise<Blob> {
    const { path, stats } = await this.#stat(source, field);
    const known = this.#blobs.get(path);
    if (known !== undefined) return known;
    const blob = stats.isDirectory() ? await packFolder(path, this.#folder) : await readBlob(path);
    this.#blobs.set(path, blob);
    return blob;
  }

  async customData(value: string | { file: string }): Promise<string> {
    if (typeof value === 'string') return value;
    const { path } = await this.#stat(value.file, 'fleet.customData.file');
    return readFile(path, 'utf8');
  }

  async sshKey(value: string): Promise<string> {
    const isKey = (text: string) => /^(ssh-|ecdsa-|sk-)\S+ [A-Za-z0-9+/=]+/.test(text);
    if (isKey(value)) return value.trim();
    const { path } = await this.#stat(value, 'fleet.adminSshKey');
    const text = (await readFile(path, 'utf8')).trim();
    if (isKey(text)) return text;
    throw this.#failure('fleet.adminSshKey', `${value} holds no public SSH key`);
  }

  async #stat(source: string, field: string) {
    const expanded = source.startsWith('~/') ? join(homedir(), source.slice(2)) : source;
    const path = isAbsolute(expanded) ? expanded : join(this.#folder, expanded);
    const stats = await stat(path).catch(() => undefined);
    if (stats === undefined) throw this.#failure(field, `${source} does not exist (${path})`);
    return { path: path.replace(/\/+$/, ''), stats };
  }

  #failure(field: string, sentence: string): CommandFailure {
    return new CommandFailure(`${this.#fileName}: ${field}: ${sentence}`);
  }
}

function shortened(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.length <= STEP_NAME_LENGTH ? line : `${line.slice(0, STEP_NAME_LENGTH - 1)}…`;
}
