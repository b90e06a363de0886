// `npm run bench [-- NAME]`: makes the clone ready, then measures on real VMs (bench/).
import { join } from 'node:path';
import { ensureBuilt, prepare, ROOT, run, runScript } from './setup.mjs';

await runScript(async () => {
  await prepare('demo');
  await ensureBuilt();
  return await run(process.execPath, [
    join(ROOT, 'dist', 'bench', 'main.js'),
    ...process.argv.slice(2),
  ]);
});
