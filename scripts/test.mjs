// `npm test`: makes the clone ready, then every check and test; `--long` adds the long ones.
// The last line is always `N passed, N failed, N skipped`, summed over all of them.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { prepare, progress, ROOT, run, runScript } from './setup.mjs';

const RESULTS = join(ROOT, '.rollset', 'test-results');
const bin = (name) => join(ROOT, 'node_modules', '.bin', name);

/** Each counts as one test: passed when it exits with 0. */
const CHECKS = [
  ['compile', process.execPath, [join('scripts', 'build.mjs')]],
  ['types', bin('tsc'), ['--noEmit']],
  ['format', bin('biome'), ['format', '--colors=off']],
  ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings']],
  ['unused code', bin('knip'), ['--no-progress']],
];
const PROJECTS = ['unit', 'real'];

await runScript(async () => {
  const args = process.argv.slice(2);
  if (args.includes('--checks')) return await runAll(CHECKS, []);
  return await runAll(CHECKS, args.includes('--long') ? [...PROJECTS, 'long'] : PROJECTS);
});

async function runAll(checks, projects) {
  await prepare('test');
  mkdirSync(RESULTS, { recursive: true });
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const [name, command, args] of checks) {
    const code = await run(command, args);
    total[code === 0 ? 'passed' : 'failed'] += 1;
    progress(`${name}: ${code === 0 ? 'passed' : `failed, exit code ${code}`}`);
  }
  for (const project of projects) {
    progress(`${project} tests: started`);
    const result = await runProject(project);
    for (const key of Object.keys(total)) total[key] += result[key];
    progress(`${project} tests: ${sentence(result)}`);
  }
  console.log(sentence(total));
  return total.failed === 0 ? 0 : 1;
}

async function runProject(project) {
  const file = join(RESULTS, `${project}.json`);
  rmSync(file, { force: true });
  const args = ['run', '--project', project, '--reporter=default', '--reporter=json'];
  const code = await run(bin('vitest'), [...args, `--outputFile.json=${file}`]);
  const result = existsSync(file) ? countOf(JSON.parse(readFileSync(file, 'utf8'))) : noTests();
  // A crash, an unhandled rejection or a failed set-up has no failed test to its name.
  if (code !== 0 && result.failed === 0) result.failed = 1;
  return result;
}

/** A test file that could not be loaded holds no test, and still has failed. */
function countOf(report) {
  const result = noTests();
  for (const file of report.testResults) {
    if (file.status === 'failed' && file.assertionResults.length === 0) result.failed += 1;
    for (const { status } of file.assertionResults) {
      result[status === 'passed' || status === 'failed' ? status : 'skipped'] += 1;
    }
  }
  return result;
}

function noTests() {
  return { passed: 0, failed: 0, skipped: 0 };
}

function sentence({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
