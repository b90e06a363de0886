// `npm run demo [-- --keep] [-- --output json]`: runs the demo, prints the proof, leaves nothing behind.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../support/clock.ts';
import { runDemo } from './demo.ts';
import { FAILURES_SHOWN } from './limits.ts';
import { type Observations, proofRows, toResult } from './proof.ts';
import { proofTable } from './proof-table.ts';
import { type Say, Session } from './session.ts';

const HELP = `npm run demo [-- --keep] [-- --output json]
Ships three versions of examples/guestbook to five real VMs under constant traffic, and proves what happened.
  --keep           leaves the fleet running, and says how to use and how to stop it
  --output json    the last line is the result as one JSON object; progress goes to stderr`;

type Options = { readonly keep: boolean; readonly json: boolean };

async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) return 0;
  const startedAt = systemClock.now();
  const print = options.json ? console.error : console.log;
  const say: Say = (text) =>
    print(`${((systemClock.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}`);

  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (interrupted.signal.aborted) return;
      say('Interrupted: stopping VMs and control plane, removing their data.');
      interrupted.abort(new Error('interrupted'));
    });
  }

  const session = await Session.begin(systemClock, say, interrupted.signal);
  let kept = false;
  try {
    const seen = await runDemo(session, say);
    report(seen, options);
    kept = options.keep;
    return proofRows(seen).every((row) => row.kept) ? 0 : 1;
  } catch (error) {
    if (interrupted.signal.aborted) return 130;
    const sentence = error instanceof Error ? error.message : String(error);
    print(`The demo could not go on: ${sentence}.\n${await session.logTail()}`);
    return 1;
  } finally {
    if (kept) await leaveRunning(session, print);
    else await stopAll(session, say);
  }
}

function readOptions(): Options | undefined {
  const { values } = parseArgs({
    options: {
      keep: { type: 'boolean', default: false },
      output: { type: 'string', default: 'text' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.output !== 'text' && values.output !== 'json')
    throw new Error(`--output is text or json, not ${values.output}`);
  if (values.help) console.log(HELP);
  return values.help ? undefined : { keep: values.keep, json: values.output === 'json' };
}

/** For people the table, for programs the one line. */
function report(seen: Observations, { json }: Options): void {
  const table = proofTable(proofRows(seen), seen.phases, seen.seconds);
  const failures = seen.failures
    .slice(0, FAILURES_SHOWN)
    .map(({ at, what, reason }) => `  ${new Date(at).toISOString()} ${what}: ${reason}`);
  const lost = seen.lost.slice(0, FAILURES_SHOWN).map((entry) => `  not read back: ${entry}`);
  (json ? console.error : console.log)(['', table, ...failures, ...lost, ''].join('\n'));
  if (json) console.log(JSON.stringify(toResult(seen)));
}

async function stopAll(session: Session, say: Say): Promise<void> {
  say('Stopping VMs and control plane, removing their data.');
  await session.end();
}

async function leaveRunning(session: Session, print: (text: string) => void): Promise<void> {
  await session.leave();
  const data = `--data ${session.dataFolder}`;
  print(`The fleet goes on running. To play with it, from here:
  npx rollset status ${data}
  npx rollset history ${data}
  npx rollset ship ${join(session.appFolder, 'rollset.yaml')} --from previous ${data}
To stop it and remove everything:
  npx rollset down ${data} && rm -rf ${session.folder}`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
