// Looks at one instance: what is wanted (store), what is so (engine, health, balancer).
import type { Balancer } from '../../balancer/balancer.ts';
import type { Engine, VmObservation } from '../../engines/engine.ts';
import type { HealthMonitor, HealthObservation } from '../../health/health.ts';
import type {
  Frontend,
  GuestReport,
  InstanceRow,
  InstanceStatusRow,
  ScaleSet,
} from '../../model/scale-set.ts';
import type { InstanceView } from '../../planning/instance/view.ts';
import type { Store, Stored } from '../../store/store.ts';
import { scaleSetKeyOf } from '../keys.ts';
import type { ScaleSetReader } from '../scale-set-reader.ts';

export type Endpoint = { readonly host: string; readonly port: number };

export type SeenInstance = {
  readonly key: string;
  readonly row: Stored<'instance'>;
  readonly status: Stored<'instanceStatus'> | undefined;
  readonly scaleSet: ScaleSet;
  readonly vm: VmObservation | undefined;
  readonly report: GuestReport | undefined;
  readonly health: HealthObservation;
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly view: InstanceView;
};

export type ObserveDependencies = {
  readonly store: Store;
  readonly engine: Engine;
  readonly health: HealthMonitor;
  readonly balancer: Balancer;
  readonly readScaleSet: ScaleSetReader;
};

/** A VM that ended by itself sooner than this after its start counts as a failed start. */
const SETTLED_UPTIME_MS = 60_000;

/** Undefined when the instance or its set is gone from the store. */
export async function observeInstance(
  key: string,
  now: number,
  deps: ObserveDependencies,
): Promise<SeenInstance | undefined> {
  const [row, status, read] = await Promise.all([
    deps.store.get('instance', key),
    deps.store.get('instanceStatus', key),
    deps.readScaleSet(scaleSetKeyOf(key)),
  ]);
  if (row === undefined || read === undefined) return undefined;
  const { frontends, healthProbe, rolloutPolicy } = read.model;
  const vm = await deps.engine.find(row.body.vmId);
  const report = await currentReport(vm, status?.body, deps.engine);
  const health = watchHealth(row.body, vm, read.model, deps.health);
  const endpoints = endpointsOf(vm, frontends);
  const backends = await observeBackends(key, frontends, endpoints, deps.balancer);
  const starts = failedStarts(vm, row.body, status?.body, now);
  const drainStartedAt = status?.body.drainStartedAt;
  const view: InstanceView = {
    now,
    wanted: row.body.wanted,
    wantedDiskId: row.body.osDisk.diskId,
    vm: vm === undefined ? { power: 'absent' } : vm,
    keptDiskIds: keptDisks(row.body),
    guestUp: report !== undefined && vm?.power === 'running',
    // Without a health source a VM whose OS answers is as healthy as can be known.
    health:
      healthProbe === undefined ? (report === undefined ? 'Unknown' : 'Healthy') : health.state,
    backends,
    ...(drainStartedAt === undefined ? {} : { drainStartedAtMs: Date.parse(drainStartedAt) }),
    drainMs: rolloutPolicy.drainMs,
    ...starts,
  };
  return { key, row, status, scaleSet: read.model, vm, report, health, endpoints, view };
}

function keptDisks(row: InstanceRow): string[] {
  const previous = row.previousOsDisk?.diskId;
  return previous === undefined ? [row.osDisk.diskId] : [row.osDisk.diskId, previous];
}

/** A report is of one start of one disk: an older one says nothing about the VM that runs now. */
async function currentReport(
  vm: VmObservation | undefined,
  status: InstanceStatusRow | undefined,
  engine: Engine,
): Promise<GuestReport | undefined> {
  if (vm?.power !== 'running' || vm.startedAtMs === undefined) return undefined;
  const sameStart =
    status?.startedAt !== undefined && Date.parse(status.startedAt) === vm.startedAtMs;
  if (sameStart && status.report?.diskId === vm.diskId) return status.report;
  const report = await engine.guestReport(vm.vmId);
  return report?.diskId === vm.diskId ? report : undefined;
}

/** Target ids carry the start time, so a restarted VM begins at Unknown. */
export function healthTargetId(vm: { vmId: string; startedAtMs?: number }): string {
  return `${vm.vmId}@${vm.startedAtMs ?? 0}`;
}

function watchHealth(
  row: InstanceRow,
  vm: VmObservation | undefined,
  scaleSet: ScaleSet,
  monitor: HealthMonitor,
): HealthObservation {
  const probe = scaleSet.healthProbe;
  if (probe === undefined) return { state: 'Unknown', since: 0, reason: 'no health source is set' };
  if (vm?.power !== 'running') {
    const reason = vm === undefined ? 'the VM does not exist yet' : 'the VM is powered off';
    return { state: 'Unknown', since: 0, reason };
  }
  const targetId = healthTargetId(vm);
  const endpoint = vm.endpoints.find((each) => each.guestPort === probe.port);
  monitor.watch({
    targetId,
    vmId: row.vmId,
    probe,
    ...(endpoint === undefined ? {} : { endpoint: { host: endpoint.host, port: endpoint.port } }),
  });
  return monitor.observe(targetId);
}

function endpointsOf(
  vm: VmObservation | undefined,
  frontends: readonly Frontend[],
): Map<string, Endpoint> {
  const found = new Map<string, Endpoint>();
  if (vm?.power !== 'running') return found;
  for (const frontend of frontends) {
    const at = vm.endpoints.find((each) => each.guestPort === frontend.backendPort);
    if (at !== undefined) found.set(frontend.frontendId, { host: at.host, port: at.port });
  }
  return found;
}

async function observeBackends(
  key: string,
  frontends: readonly Frontend[],
  endpoints: ReadonlyMap<string, Endpoint>,
  balancer: Balancer,
): Promise<InstanceView['backends']> {
  return Promise.all(
    frontends.map(async ({ frontendId }) => {
      const pool = await balancer.observe(frontendId);
      const mine = pool.find((each) => each.instanceKey === key);
      const now = endpoints.get(frontendId);
      return {
        frontendId,
        state: mine?.state ?? ('none' as const),
        openConnections: mine?.openConnections ?? 0,
        currentEndpoint:
          now !== undefined && mine?.endpoint?.host === now.host && mine.endpoint.port === now.port,
      };
    }),
  );
}

/** Counts starts after which the VM soon ended by itself, so that a broken VM is not spun up for ever. */
function failedStarts(
  vm: VmObservation | undefined,
  row: InstanceRow,
  status: InstanceStatusRow | undefined,
  now: number,
): { failedStarts: number; lastFailedStartMs?: number } {
  const count = status?.failedStarts ?? 0;
  const last = status?.lastFailedStartAt;
  const before = {
    failedStarts: count,
    ...(last === undefined ? {} : { lastFailedStartMs: Date.parse(last) }),
  };
  const startedAtMs = vm?.startedAtMs ?? (status?.startedAt && Date.parse(status.startedAt)) ?? now;
  const uptimeMs = now - (startedAtMs || now);
  if (vm?.power === 'running') {
    return uptimeMs >= SETTLED_UPTIME_MS ? { failedStarts: 0 } : before;
  }
  const endedByItself =
    vm?.power === 'stopped' &&
    vm.diskId === row.osDisk.diskId &&
    row.wanted === 'present' &&
    (status?.power === 'running' || status?.power === 'starting');
  if (!endedByItself) return before;
  return uptimeMs >= SETTLED_UPTIME_MS
    ? { failedStarts: 0 }
    : { failedStarts: count + 1, lastFailedStartMs: now };
}
