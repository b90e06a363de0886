// Whole rolling upgrades, played by the planner on a tiny fleet, as logs that read like a story.
// Letters: see LETTERS in src/planning/rolling-upgrade/testing.ts. One golden file each.
import { expect, test } from 'vitest';
import { drawFleet, NEW, OLD, START_MS } from '../../src/planning/rolling-upgrade/testing.ts';
import {
  breakDown,
  cancel,
  type Fates,
  type Fleet,
  type FleetSetup,
  makeFleet,
  type Played,
  play,
  scaleIn,
  scaleOut,
  sick,
  well,
} from '../../src/planning/testing.ts';
import { expectGolden } from './golden.ts';

type Happening = (fleet: Fleet, secondsIn: number) => Fleet;
type Sequence = {
  readonly name: string;
  readonly setup: FleetSetup;
  readonly happening?: Happening;
};

const bad: Fates = (version) => (version === NEW ? sick : well);
/** Two of ten fare badly on the new version: instances 1 and 6. */
const mixed: Fates = (version, id) => (version === NEW && ['1', '6'].includes(id) ? sick : well);
const neverBoots: Fates = (version) => (version === NEW ? { ...well, bootMs: undefined } : well);
const at = (second: number, change: (fleet: Fleet) => Fleet): Happening => {
  let done = false;
  return (fleet, secondsIn) => {
    if (done || secondsIn < second) return fleet;
    done = true;
    return change(fleet);
  };
};

const sequences: Sequence[] = [
  { name: 'healthy-10', setup: { count: 10 } },
  { name: 'healthy-5', setup: { count: 5 } },
  { name: 'bad-image', setup: { count: 5, fates: bad } },
  {
    name: 'bad-image-without-rollback',
    setup: { count: 5, fates: bad, disableAutomaticRollback: true },
  },
  { name: 'image-that-never-boots', setup: { count: 5, fates: neverBoots } },
  {
    name: 'mixed-within-limits',
    setup: { count: 10, fates: mixed, policy: { maxUnhealthyUpgradedInstancePercent: 50 } },
  },
  { name: 'mixed-over-the-limit', setup: { count: 10, fates: mixed } },
  { name: 'cancel', setup: { count: 10 }, happening: at(8, cancel) },
  { name: 'cancel-during-restore', setup: { count: 5, fates: bad }, happening: at(25, cancel) },
  { name: 'scale-out', setup: { count: 4 }, happening: at(7, (fleet) => scaleOut(fleet, 6, NEW)) },
  {
    name: 'scale-in',
    setup: { count: 10 },
    happening: at(3, (fleet) => scaleIn(fleet, ['8', '9'])),
  },
  { name: 'pause', setup: { count: 3, policy: { pauseTimeBetweenBatchesMs: 30_000 } } },
  {
    name: 'repair',
    setup: { count: 10 },
    happening: at(2, (fleet) => breakDown(fleet, '7', 12_000)),
  },
  {
    name: 'unhealthy-fleet',
    setup: { count: 10, fates: (version, id) => (version === OLD && Number(id) < 3 ? sick : well) },
  },
];

test.each(sequences)('$name', ({ name, setup, happening }) => {
  const played = play(makeFleet(setup), (fleet) =>
    happening === undefined ? fleet : happening(fleet, (fleet.nowMs - START_MS) / 1000),
  );
  expect(played.findings).toEqual([]);
  expectGolden(name, logOf(played));
});

/** One line for each step, and for a wait only where the fleet or the reason has changed. */
function logOf({ ticks, end }: Played): string {
  const lines: string[] = [];
  let shown = '';
  for (const { view, step } of ticks) {
    const letters = drawFleet(view);
    const what = step.kind === 'wait' ? `${letters} ${step.for}` : undefined;
    if (what !== undefined && what === shown) continue;
    shown = what ?? '';
    const second = String((view.now - START_MS) / 1000).padStart(3, '0');
    lines.push(`${second} s  ${letters}  ${step.kind}: ${step.note}`);
  }
  const versions = end.instances.map(({ instanceId, disk }) => `${instanceId} ${disk.version}`);
  return `${[...lines, `ends ${end.state} with ${versions.join(', ')}`].join('\n')}\n`;
}
