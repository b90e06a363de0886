// Runs one program on the host to its end and gives its output, or one sentence that says what failed.
import { spawn } from 'node:child_process';
import { EngineError } from '../engine.ts';
import { HOST_COMMAND_TIMEOUT_MS } from './limits.ts';

const KEPT_OUTPUT_CHARACTERS = 4 * 1024 * 1024;

export type HostCommandOptions = {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onLine?: (line: string) => void;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Exit codes that are an answer and not a failure; default only 0. */
  readonly okExitCodes?: readonly number[];
};

export type HostCommandResult = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
};

/** `what` begins the error sentence: `cannot make the disk`. */
export function runHostCommand(
  what: string,
  program: string,
  args: readonly string[],
  options: HostCommandOptions = {},
): Promise<HostCommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: options.env ?? process.env,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      timeout: options.timeoutMs ?? HOST_COMMAND_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const stdout = collect(child.stdout, options.onLine);
    const stderr = collect(child.stderr, options.onLine);
    child.on('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'ENOENT' ? `the program ${program} is not installed` : error.message;
      reject(new EngineError(`${what}: ${why}`, { cause: error }));
    });
    child.on('close', (code, signalName) => {
      const result = { exitCode: code ?? -1, stdout: stdout(), stderr: stderr() };
      if (code !== null && (options.okExitCodes ?? [0]).includes(code)) return resolve(result);
      const end = code === null ? `was ended by ${signalName}` : `exited with ${code}`;
      reject(new EngineError(`${what}: ${program} ${end}${lastLines(result)}`));
    });
  });
}

function collect(stream: NodeJS.ReadableStream, onLine?: (line: string) => void): () => string {
  let text = '';
  let partial = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    text = (text + chunk).slice(-KEPT_OUTPUT_CHARACTERS);
    if (onLine === undefined) return;
    const lines = (partial + chunk).split('\n');
    partial = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  return () => text;
}

function lastLines(result: HostCommandResult): string {
  const text = (result.stderr.trim() || result.stdout.trim()).split('\n').slice(-3).join(' | ');
  return text === '' ? '' : `: ${text}`;
}
