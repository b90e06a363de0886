// `npm run bench [-- NAME]`: makes the clone ready, compiles bench/ and measures on real VMs.
import { join } from 'node:path';
import { ensureBuilt, prepare, ROOT, run, runScript } from './setup.mjs';

const COMPILED = join(ROOT, '.rollset', 'bench', 'bench', 'main.js');

await runScript(async () => {
  await prepare('demo');
  await ensureBuilt();
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const code = await run(process.execPath, [tsc, '-p', join('bench', 'tsconfig.json')]);
  return code === 0 ? await run(process.execPath, [COMPILED, ...process.argv.slice(2)]) : code;
});
