// For tests: an instance as one word or two, and a VM played from step to step. Pure.
import { planInstance } from './plan.ts';
import type { InstanceStep, InstanceView } from './view.ts';

type Backend = InstanceView['backends'][number];

export const WANTED = 'disk-new';
export const OTHER = 'disk-old';

/** A running, healthy, serving instance on the wanted disk, unless told otherwise. */
export function instanceView(change: Partial<InstanceView> = {}): InstanceView {
  return {
    now: 100_000,
    wanted: 'present',
    wantedDiskId: WANTED,
    vm: { power: 'running', diskId: WANTED, diskIds: [WANTED], startedAtMs: 90_000 },
    keptDiskIds: [WANTED],
    guestUp: true,
    health: 'Healthy',
    backends: [backend('ready')],
    drainMs: 30_000,
    failedStarts: 0,
    ...change,
  };
}

export function backend(state: Backend['state'], change: Partial<Backend> = {}): Backend {
  return { frontendId: 'http', state, openConnections: 0, currentEndpoint: true, ...change };
}

export const running = (diskId: string) =>
  ({ power: 'running', diskId, diskIds: [diskId], startedAtMs: 90_000 }) as const;
export const stopped = (diskId: string) =>
  ({ power: 'stopped', diskId, diskIds: [diskId] }) as const;
export const absent = { power: 'absent' } as const;

/** What the engine, the balancer and the guest make of one step. */
export function carryOut(view: InstanceView, step: InstanceStep): InstanceView {
  const now = view.now + 1000;
  const { vm } = view;
  switch (step.kind) {
    case 'create':
      return { ...view, now, vm: stopped(view.wantedDiskId) };
    case 'reimage':
      return {
        ...view,
        now,
        vm: {
          power: 'stopped',
          diskId: view.wantedDiskId,
          diskIds: [...new Set([...(vm.power === 'absent' ? [] : vm.diskIds), view.wantedDiskId])],
        },
      };
    case 'start':
      return vm.power === 'absent'
        ? view
        : { ...view, now, vm: { ...vm, power: 'running' }, guestUp: false, health: 'Unknown' };
    case 'powerOff':
      return vm.power === 'absent'
        ? view
        : {
            ...withBackends(view, { currentEndpoint: false }),
            now,
            vm: { ...vm, power: 'stopped' },
          };
    case 'delete':
      return { ...view, now, vm: absent };
    case 'drain':
      return { ...withBackends(view, { state: 'draining' }), now, drainStartedAtMs: view.now };
    case 'takeOut':
      return { ...withBackends(view, { state: 'out' }), now };
    case 'putIn':
      return { ...withBackends(view, { state: 'ready', currentEndpoint: true }), now };
    case 'discardDisk':
      return vm.power === 'absent'
        ? view
        : { ...view, now, vm: { ...vm, diskIds: vm.diskIds.filter((id) => id !== step.diskId) } };
    case 'wait':
      return {
        ...withBackends(view, { openConnections: 0 }),
        now,
        guestUp: true,
        health: 'Healthy',
      };
    case 'none':
      return view;
    default:
      return step satisfies never;
  }
}

/** The kinds of the steps until nothing is left to do. */
export function playInstance(start: InstanceView): { kinds: string[]; end: InstanceView } {
  const kinds: string[] = [];
  let view = start;
  for (let tick = 0; tick < 40; tick += 1) {
    const step = planInstance(view);
    if (step.kind === 'none') return { kinds, end: view };
    kinds.push(step.kind);
    view = carryOut(view, step);
  }
  throw new Error(`no end: ${kinds.join(', ')}`);
}

function withBackends(view: InstanceView, change: Partial<Backend>): InstanceView {
  return { ...view, backends: view.backends.map((each) => ({ ...each, ...change })) };
}
