// `npm run demo`: makes the clone ready, then runs the main job on real VMs (src/demo).
import { join } from 'node:path';
import { ensureBuilt, prepare, ROOT, run, runScript } from './setup.mjs';

await runScript(async () => {
  await prepare('demo');
  await ensureBuilt();
  return await run(process.execPath, [
    join(ROOT, 'dist', 'demo', 'main.js'),
    ...process.argv.slice(2),
  ]);
});
