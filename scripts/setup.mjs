// Makes a fresh clone ready: Node version, npm packages, Debian packages, compiled sources.
// Depends on nothing but Node itself, because it runs before anything is installed.
import { spawn } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isPresent, missingDebianPackages } from './debian-packages.mjs';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const LOG_FOLDER = join(ROOT, '.rollset', 'setup');
const LOG_LINES_SHOWN = 30;
/** Node 20.19 is the first of its line that loads ES modules the way our dependencies need. */
const OLDEST_NODE = [20, 19];

const startedAt = Date.now();
const children = new Set();

/** A reason to stop that is shown as one sentence, without a stack. */
class SetupError extends Error {}

/** Runs `main`; ends with its exit code, or with one sentence and 1. */
export async function runScript(main) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => passOn(signal));
  try {
    process.exitCode = await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
  if (interruptedBy !== undefined) process.exitCode = 130;
}

/**
 * Installs what is missing. `purpose` is `demo` or `test`: the checks need more packages. npm and apt
 * work at the same time; each is skipped when there is nothing to do.
 */
export async function prepare(purpose) {
  checkNode();
  mkdirSync(LOG_FOLDER, { recursive: true });
  const missing = missingDebianPackages(purpose);
  if (missing.length > 0) checkCanInstall(missing);
  await Promise.all([ensureNpmPackages(), installDebianPackages(missing)]);
}

/** Prints one line with the seconds since the start. */
export function progress(text) {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${seconds.padStart(6)} s  ${text}`);
}

/**
 * Runs a program to its end with our standard streams (or with its output in `logFile`).
 * Resolves with its exit code; a signal that ended it counts as 1.
 */
export function run(command, args, { logFile, env } = {}) {
  return new Promise((resolve, reject) => {
    const log = logFile === undefined ? undefined : openSync(logFile, 'a');
    const output = log ?? 'inherit';
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: [log === undefined ? 'inherit' : 'ignore', output, output],
      env: { ...process.env, ...env },
    });
    children.add(child);
    child.on('error', reject);
    child.on('close', (code) => {
      children.delete(child);
      if (log !== undefined) closeSync(log);
      resolve(code ?? 1);
    });
  });
}

let interruptedBy;

/**
 * A terminal sends Ctrl-C to the whole process group, so the child has it already; a signal sent to
 * us alone is passed on. We stay until the child has cleaned up.
 */
function passOn(signal) {
  interruptedBy = signal;
  for (const child of children) {
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  }
  if (children.size === 0) process.exit(130);
}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    `Rollset needs Node ${OLDEST_NODE.join('.')} or newer, and this is ${process.versions.node}: install a newer Node and run the command again.`,
  );
}

function checkCanInstall(missing) {
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  if (!isPresent('apt-get')) {
    throw new SetupError(
      `These Debian packages (or your system's equivalents) are missing: ${missing.join(' ')}; install them and run the command again.`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(
      `Some Debian packages are missing; install them with: sudo apt-get update && sudo ${command}`,
    );
  }
}

async function ensureNpmPackages() {
  const installed = modifiedAt(join(ROOT, 'node_modules', '.package-lock.json'));
  if (installed >= modifiedAt(join(ROOT, 'package-lock.json'))) return;
  // Not `npm ci`: it refuses a lock file that lacks a package of some other platform, and registries
  // do not always carry all of them. The versions are the lock file's all the same.
  const install = ['npm', ['install', '--no-audit', '--no-fund']];
  await logged('npm packages', 'npm-install.log', [install]);
}

async function installDebianPackages(missing) {
  if (missing.length === 0) return;
  await logged(`Debian packages (${missing.join(' ')})`, 'apt-get.log', [
    ['apt-get', ['update']],
    ['apt-get', ['install', '-y', '--no-install-recommends', ...missing]],
  ]);
}

/** Compiling takes seconds; still, an unchanged tree starts without it. */
export async function ensureBuilt() {
  const output = modifiedAt(join(ROOT, 'dist'));
  const inputs = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json'];
  const newest = Math.max(...inputs.map((name) => modifiedAt(join(ROOT, name))));
  if (output > Math.max(newestIn(join(ROOT, 'src')), newest)) return;
  await logged('compile', 'compile.log', [[process.execPath, [join('scripts', 'build.mjs')]]]);
}

async function logged(what, logName, commands) {
  const logFile = join(LOG_FOLDER, logName);
  rmSync(logFile, { force: true });
  progress(`${what}: started`);
  const from = Date.now();
  for (const [command, args] of commands) {
    const code = await run(command, args, { logFile, env: { DEBIAN_FRONTEND: 'noninteractive' } });
    if (code === 0) continue;
    const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-LOG_LINES_SHOWN);
    throw new SetupError(
      `${tail.join('\n')}\n${what}: \`${command} ${args.join(' ')}\` ended with exit code ${code}; the whole output is in ${logFile}.`,
    );
  }
  progress(`${what}: done in ${((Date.now() - from) / 1000).toFixed(1)} s`);
}

/** Newest change below a folder, folders included: a removed file changes its folder. */
function newestIn(folder) {
  let newest = modifiedAt(folder);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestIn(path) : modifiedAt(path));
  }
  return newest;
}

/** Milliseconds since the epoch; 0 for what does not exist. */
function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
