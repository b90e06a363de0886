// Entry point of the command line: runs one command and ends with its exit code.
import { readFileSync } from 'node:fs';
import { run } from '@stricli/core';
import { buildApp } from './app.ts';
import { processContext } from './context.ts';
import type { CliContext } from './context.ts';
import { EXIT } from './failure.ts';

/** Runs the command that `inputs` name; resolves with the exit code, never rejects. */
export async function runCli(inputs: readonly string[], context: CliContext): Promise<number> {
  const escape = inputs.indexOf('--');
  const flags = escape === -1 ? inputs : inputs.slice(0, escape);
  const app = buildApp({ version: ownVersion(), debug: flags.includes('--debug') });
  await run(app, inputs, context);
  const code = Number(context.process.exitCode ?? EXIT.done);
  // The library's own codes for a call that cannot be read are negative.
  return code < 0 ? EXIT.failed : code;
}

function ownVersion(): string {
  const file = new URL('../../package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return version;
}

/** Called by bin/rollset.mjs. */
export async function main(): Promise<void> {
  // A reader such as `head` that has seen enough is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(EXIT.done);
  });
  process.exitCode = await runCli(process.argv.slice(2), processContext());
}
