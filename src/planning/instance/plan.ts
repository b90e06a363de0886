// Decides the next step for one instance: from what its VM is to what is wanted of it. Pure.
//
// The order of a swap is fixed: out of the balancer, connections finish, power off, other disk,
// start, and back into the balancer only once it is Healthy. At no moment do two VMs have the data
// disks, and a serving instance is never taken out for a doubt about its health.
import type { InstanceStep, InstanceView } from './view.ts';

/** The longest time between two starts of a VM that ends by itself. */
const LONGEST_BACKOFF_MS = 60_000;
const FIRST_BACKOFF_MS = 1000;

type Backend = InstanceView['backends'][number];
type Vm<Power> = Extract<InstanceView['vm'], { power: Power }>;

export function planInstance(view: InstanceView): InstanceStep {
  return view.wanted === 'deleted' ? planGone(view) : planPresent(view);
}

function planGone(view: InstanceView): InstanceStep {
  const { vm } = view;
  if (vm.power === 'running') {
    return leaveBalancer(view, 'to be deleted') ?? powerOff('it is to be deleted');
  }
  const out = takeOutServing(view, 'its VM is not running');
  if (out !== undefined) return out;
  return vm.power === 'absent'
    ? { kind: 'none', note: 'The VM and its disks are gone.' }
    : { kind: 'delete', note: 'Delete the VM with all its disks: the instance is to be deleted.' };
}

function planPresent(view: InstanceView): InstanceStep {
  const { vm, wantedDiskId } = view;
  if (vm.power === 'running') {
    return vm.diskId === wantedDiskId ? planRunning(view, vm) : planSwapOut(view, vm);
  }
  const out = takeOutServing(view, 'its VM is not running');
  if (out !== undefined) return out;
  if (vm.power === 'absent') {
    return { kind: 'create', note: `Make the VM with OS disk ${wantedDiskId}.` };
  }
  if (vm.diskId !== wantedDiskId) {
    return {
      kind: 'reimage',
      note: `Give the powered-off VM OS disk ${wantedDiskId} instead of ${vm.diskId}.`,
    };
  }
  return backOff(view) ?? { kind: 'start', note: `Start the VM with OS disk ${wantedDiskId}.` };
}

function planSwapOut(view: InstanceView, vm: Vm<'running' | 'stopped'>): InstanceStep {
  const why = `OS disk ${vm.diskId} is to be replaced by ${view.wantedDiskId}`;
  return leaveBalancer(view, why) ?? powerOff(why);
}

/** On the wanted disk: wait until it answers and is healthy, then let it serve. */
function planRunning(view: InstanceView, vm: Vm<'running' | 'stopped'>): InstanceStep {
  const stale = frontendsOf(view, (each) => serves(each) && !each.currentEndpoint);
  const mayServe = view.guestUp && view.health === 'Healthy';
  if (stale.length > 0 && !mayServe) {
    return {
      kind: 'takeOut',
      frontendIds: stale,
      note: 'Out of the balancer: it still points at an earlier start of the VM.',
    };
  }
  if (!view.guestUp) {
    return { kind: 'wait', for: 'boot', note: 'The VM is starting; its OS has not answered yet.' };
  }
  const outside = frontendsOf(view, (each) => each.state !== 'ready' || !each.currentEndpoint);
  if (mayServe && outside.length > 0) {
    return { kind: 'putIn', frontendIds: outside, note: 'Healthy: into the balancer.' };
  }
  const spare = vm.diskIds.find(
    (id) => id !== view.wantedDiskId && id !== vm.diskId && !view.keptDiskIds.includes(id),
  );
  if (spare !== undefined) {
    return {
      kind: 'discardDisk',
      diskId: spare,
      note: `OS disk ${spare} is no way back any more.`,
    };
  }
  if (mayServe) return { kind: 'none', note: 'Running and healthy on the wanted OS disk.' };
  // The balancer's own check takes an unhealthy one out and back in; Unknown is a doubt, no verdict.
  const serving = outside.length === 0 && view.backends.length > 0;
  return {
    kind: 'wait',
    for: 'health',
    note: `Running on the wanted OS disk, but ${view.health}${serving ? '; it keeps its place in the balancer' : ''}.`,
  };
}

/** Undefined once nothing is served any more and open connections have had their time. */
function leaveBalancer(view: InstanceView, why: string): InstanceStep | undefined {
  const startedAtMs = view.drainStartedAtMs;
  // A drain without a recorded start (a crash in between) is simply begun again.
  const serving = frontendsOf(
    view,
    (each) => each.state === 'ready' || (each.state === 'draining' && startedAtMs === undefined),
  );
  if (serving.length > 0) {
    return { kind: 'drain', frontendIds: serving, note: `No new connections: ${why}.` };
  }
  const open = view.backends
    .filter((each) => each.state === 'draining')
    .reduce((sum, each) => sum + each.openConnections, 0);
  if (open === 0 || startedAtMs === undefined) return undefined;
  const untilMs = startedAtMs + view.drainMs;
  if (view.now >= untilMs) return undefined;
  return {
    kind: 'wait',
    for: 'drain',
    untilMs,
    note: `Open connections: ${open}. They may take ${view.drainMs / 1000} s in all to finish.`,
  };
}

function powerOff(why: string): InstanceStep {
  return { kind: 'powerOff', note: `Power off: ${why}.` };
}

function takeOutServing(view: InstanceView, why: string): InstanceStep | undefined {
  const frontendIds = frontendsOf(view, serves);
  return frontendIds.length === 0
    ? undefined
    : { kind: 'takeOut', frontendIds, note: `Out of the balancer: ${why}.` };
}

/** 1 s, 2 s, 4 s … 60 s between starts of a VM that ends by itself, so that it is not spun for ever. */
function backOff(view: InstanceView): InstanceStep | undefined {
  if (view.failedStarts === 0 || view.lastFailedStartMs === undefined) return undefined;
  const pauseMs = Math.min(FIRST_BACKOFF_MS * 2 ** (view.failedStarts - 1), LONGEST_BACKOFF_MS);
  const untilMs = view.lastFailedStartMs + pauseMs;
  if (view.now >= untilMs) return undefined;
  return {
    kind: 'wait',
    for: 'backoff',
    untilMs,
    note: `Its start failed ${view.failedStarts} times in a row: the next one is ${pauseMs / 1000} s after the last.`,
  };
}

function serves(backend: Backend): boolean {
  return backend.state === 'ready' || backend.state === 'draining';
}

function frontendsOf(view: InstanceView, chosen: (backend: Backend) => boolean): string[] {
  return view.backends.filter(chosen).map(({ frontendId }) => frontendId);
}
