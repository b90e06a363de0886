// Compiles src to dist. A failed or interrupted build leaves the old dist as it was, and the output
// of a source file that is gone does not linger: it would be packed and imported.
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
const made = join(root, 'dist.new');
const place = join(root, 'dist');

rmSync(made, { recursive: true, force: true });
const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', made, '--noEmitOnError'];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
if (status === 0) {
  rmSync(place, { recursive: true, force: true });
  renameSync(made, place);
}
rmSync(made, { recursive: true, force: true });
process.exitCode = status ?? 1;
