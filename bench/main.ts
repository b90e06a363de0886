// `npm run bench [-- NAME] [-- --output json]`: measures on real VMs, prints a table.
import { parseArgs } from 'node:util';
import { systemClock } from '../src/support/clock.ts';
import { type Measurement, toRow, toTable } from './measurement.ts';
import { measurePublish } from './publish.ts';
import { type Rig, withRig } from './rig.ts';
import { measureSwap } from './swap.ts';

/** Medians of this many; fewer say little on a machine that does other things as well. */
const SAMPLES = 5;

const BENCHES: Readonly<Record<string, (rig: Rig) => Promise<Measurement[]>>> = {
  swap: (rig) => measureSwap(rig, SAMPLES),
  publish: async (rig) => [await measurePublish(rig, SAMPLES)],
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { output: { type: 'string', default: 'text' } },
  });
  const unknown = positionals.find((name) => !(name in BENCHES));
  if (unknown !== undefined)
    throw new Error(`there is no benchmark ${unknown}: ${Object.keys(BENCHES).join(', ')}`);
  const names = positionals.length === 0 ? Object.keys(BENCHES) : positionals;
  const startedAt = systemClock.now();
  const say = (text: string) =>
    console.error(`${((systemClock.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}`);

  const measured = await withRig(say, async (rig) => {
    const results: Measurement[] = [];
    for (const name of names) results.push(...((await BENCHES[name]?.(rig)) ?? []));
    return results;
  });
  const rows = measured.map(toRow);
  console.log(values.output === 'json' ? JSON.stringify({ measured, rows }) : toTable(rows));
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
