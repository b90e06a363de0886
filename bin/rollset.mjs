#!/usr/bin/env node
// Starts the compiled command line; without it, says what to do.
import { existsSync } from 'node:fs';

const main = new URL('../dist/cli/main.js', import.meta.url);
if (existsSync(main)) {
  const cli = await import(main.href);
  await cli.main();
} else {
  process.stderr.write('rollset is not compiled yet: run `npm run build` in its folder first.\n');
  process.exitCode = 1;
}
