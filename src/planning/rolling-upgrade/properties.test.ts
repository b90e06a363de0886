// Safety and liveness of whole runs, over generated fleets, policies and accidents.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  breakDown,
  cancel,
  type Fate,
  type Fates,
  type Fleet,
  type FleetSetup,
  makeFleet,
  play,
  scaleIn,
  scaleOut,
  sick,
  well,
} from '../testing.ts';
import { planRollingUpgrade } from './plan.ts';
import { NEW, OLD } from './testing.ts';

const policies = fc.record({
  maxBatchInstancePercent: fc.integer({ min: 5, max: 100 }),
  maxUnhealthyInstancePercent: fc.integer({ min: 5, max: 100 }),
  maxUnhealthyUpgradedInstancePercent: fc.integer({ min: 0, max: 100 }),
  pauseTimeBetweenBatchesMs: fc.constantFrom(0, 7000),
  prioritizeUnhealthyInstances: fc.boolean(),
});
const counts = fc.integer({ min: 1, max: 15 });
const fates: fc.Arbitrary<Fate> = fc.record({
  bootMs: fc.constantFrom(0, 3000, 40_000, undefined),
  health: fc.constantFrom('Healthy', 'Healthy', 'Unhealthy', 'Unknown'),
  probeMs: fc.constantFrom(0, 2000, 15_000),
});

/** Every instance fares differently on either version. */
const hostileFleets = fc
  .record({
    count: counts,
    policy: policies,
    disableAutomaticRollback: fc.boolean(),
    onOld: fc.array(fates, { minLength: 1, maxLength: 5 }),
    onNew: fc.array(fates, { minLength: 1, maxLength: 7 }),
  })
  .map(
    ({ onOld, onNew, ...setup }): FleetSetup => ({
      ...setup,
      fates: (version, id) => {
        const from = version === NEW ? onNew : onOld;
        return from[Number(id) % from.length] ?? well;
      },
    }),
  );

type Accident = { readonly tick: number; readonly kind: string; readonly id: number };
const accidents: fc.Arbitrary<Accident[]> = fc.array(
  fc.record({
    tick: fc.integer({ min: 0, max: 60 }),
    kind: fc.constantFrom('scaleOut', 'scaleOutOld', 'delete', 'breakDown', 'cancel'),
    id: fc.nat({ max: 24 }),
  }),
  { maxLength: 6 },
);

function happening(plan: readonly Accident[]) {
  return (fleet: Fleet, tick: number): Fleet =>
    plan.filter((each) => each.tick === tick).reduce(happen, fleet);
}

function happen(fleet: Fleet, { kind, id }: Accident): Fleet {
  const instanceId = String(id);
  if (kind === 'scaleOut') return scaleOut(fleet, 2, NEW);
  if (kind === 'scaleOutOld') return scaleOut(fleet, 1, OLD);
  if (kind === 'delete') return scaleIn(fleet, [instanceId]);
  if (kind === 'breakDown') return breakDown(fleet, instanceId, 9000);
  return cancel(fleet);
}

const hostile = (check: (setup: FleetSetup, plan: Accident[]) => void) =>
  fc.assert(fc.property(hostileFleets, accidents, check), { numRuns: 60 });

const findingsOf = (setup: FleetSetup, plan: Accident[], name: string) =>
  play(makeFleet(setup), happening(plan)).findings.filter(({ check }) => check === name);

describe('safety, whatever happens', () => {
  test.each([
    ['never over the batch limit', 'down because of us'],
    ['never starts a batch while one runs', 'one batch at a time'],
    ['no instance is swapped twice, none that goes, none that need not', 'batch members'],
    ['no instance is lost', 'no instance lost'],
    ['no OS disk serves two swaps', 'disk ids unique'],
    ['a run ends with nothing in flight', 'run ends whole'],
    ['a quarantined version is never started anew', 'quarantine holds'],
    ['every step says why', 'says why'],
  ])('%s', (_name, check) => {
    hostile((setup, plan) => {
      expect(findingsOf(setup, plan, check)).toEqual([]);
    });
  });

  test('unknown is not healthy', () => {
    hostile((setup, plan) => {
      for (const { view, step } of play(makeFleet(setup), happening(plan)).ticks) {
        if (step.kind !== 'accept') continue;
        const states = step.instanceIds.map(
          (id) => view.instances.find((each) => each.instanceId === id)?.health,
        );
        expect(new Set(states)).toEqual(new Set(['Healthy']));
      }
    });
  });

  test('what is restored is on its old version', () => {
    hostile((setup, plan) => {
      const { end } = play(makeFleet(setup), happening(plan));
      const restored = end.instances.filter(
        ({ instanceId }) => end.outcomes[instanceId]?.outcome === 'restored',
      );
      for (const { disk } of restored) expect(disk.version).toBe(OLD);
    });
  });

  test('the plan depends on the view alone and leaves it as it was', () => {
    hostile((setup, plan) => {
      for (const { view, step } of play(makeFleet(setup), happening(plan)).ticks.slice(0, 50)) {
        const before = structuredClone(view);
        expect(planRollingUpgrade(view)).toEqual(step);
        expect(view).toEqual(before);
      }
    });
  });
});

describe('liveness', () => {
  test('every run ends, whatever happens', () => {
    hostile((setup, plan) => {
      expect(play(makeFleet(setup), happening(plan)).end.state).not.toBe('RollingForward');
    });
  });

  test('a healthy fleet always completes', () => {
    fc.assert(
      fc.property(counts, policies, (count, policy) => {
        const { end } = play(makeFleet({ count, policy }));
        expect(end.state).toBe('Completed');
        expect(versionsOf(end)).toEqual([NEW]);
      }),
    );
  });

  test('a healthy fleet completes however it grows, shrinks and is repaired', () => {
    fc.assert(
      fc.property(counts, policies, accidents, (count, policy, plan) => {
        const others = plan.filter(({ kind }) => kind !== 'cancel');
        const { end } = play(makeFleet({ count, policy }), happening(others));
        expect(end.state).toBe('Completed');
        expect(versionsOf(end)).not.toContain(OLD);
      }),
    );
  });

  test('with a bad image every instance ends on the old version', () => {
    const bad: Fates = (version) => (version === NEW ? sick : well);
    fc.assert(
      fc.property(counts, policies, (count, policy) => {
        const { end } = play(makeFleet({ count, fates: bad, policy }));
        expect(versionsOf(end)).toEqual([OLD]);
        expect(end.state).toBe(
          policy.maxUnhealthyUpgradedInstancePercent < 100 ? 'Faulted' : 'Completed',
        );
      }),
    );
  });

  test('a bad image costs one batch and is quarantined', () => {
    const bad: Fates = (version) => (version === NEW ? sick : well);
    fc.assert(
      fc.property(counts, fc.integer({ min: 0, max: 99 }), (count, percent) => {
        const policy = { maxUnhealthyUpgradedInstancePercent: percent };
        const { end } = play(makeFleet({ count, fates: bad, policy }));
        expect(end.batches).toHaveLength(1);
        expect(end.quarantinedSinceMs).toBeDefined();
      }),
    );
  });

  test('a cancelled run ends without another batch', () => {
    fc.assert(
      fc.property(hostileFleets, fc.nat({ max: 40 }), (setup, at) => {
        const { ticks, end } = play(makeFleet(setup), (fleet, tick) =>
          tick === at ? cancel(fleet) : fleet,
        );
        const afterwards = ticks.slice(at).map(({ step }) => step.kind);
        expect(afterwards).not.toContain('upgradeBatch');
        if (ticks.length > at) expect(end.state).toBe('Cancelled');
      }),
    );
  });

  test('an unhealthy fleet is not touched', () => {
    fc.assert(
      fc.property(counts, (count) => {
        const { end } = play(makeFleet({ count, fates: () => sick }));
        expect(end).toMatchObject({ state: 'Faulted', batches: [], outcomes: {} });
        expect(end.quarantinedSinceMs).toBeUndefined();
      }),
    );
  });
});

function versionsOf(fleet: Fleet): string[] {
  const present = fleet.instances.filter((each) => each.deletingSinceMs === undefined);
  return [...new Set(present.map(({ disk }) => disk.version))];
}
