// What each verb makes of a simulated VM: the definition it gets, the process it gets. Pure.
import { EngineError, type OsDiskSpec, type VmObservation, type VmSpec } from '../engine.ts';
import { freshContent } from './images.ts';
import { APP_START_MS, ENDPOINT_HOST } from './limits.ts';
import {
  bootedAtMs,
  currentDisk,
  SENTINELS,
  type SimulatedOsDisk,
  type SimulatedVm,
  withConsole,
} from './vm.ts';

export function createdVm(spec: VmSpec): SimulatedVm {
  return {
    vmId: spec.vmId,
    kind: spec.kind,
    label: spec.label,
    hostname: spec.hostname,
    ports: [...spec.ports],
    diskId: spec.osDisk.diskId,
    osDisks: [freshDisk(spec.osDisk)],
    luns: spec.dataDisks.map(({ lun }) => lun),
    dataDisks: spec.dataDisks.map(({ lun, sizeBytes }) => ({ lun, sizeBytes })),
    console: [],
  };
}

/** The disk is used as it is when it is kept; data disks are only looked for. */
export function reimagedVm(vm: SimulatedVm, spec: VmSpec): SimulatedVm {
  const luns = spec.dataDisks.map(({ lun }) => lun);
  requireDataDisks({ ...vm, luns }, 'reimage');
  const kept = vm.osDisks.some(({ diskId }) => diskId === spec.osDisk.diskId);
  return {
    ...vm,
    label: spec.label,
    hostname: spec.hostname,
    ports: [...spec.ports],
    luns,
    diskId: spec.osDisk.diskId,
    osDisks: kept ? vm.osDisks : [...vm.osDisks, freshDisk(spec.osDisk)],
  };
}

export type Start = {
  readonly startedAtMs: number;
  readonly diesAtMs?: number;
  /** One for each of the VM's guest ports. */
  readonly ports: readonly number[];
};

export function startedVm(vm: SimulatedVm, { ports, ...times }: Start): SimulatedVm {
  requireDataDisks(vm, 'start');
  const disk = currentDisk(vm);
  const endpoints = vm.ports.flatMap((guestPort, i) => {
    const port = ports[i];
    return port === undefined ? [] : [{ guestPort, host: ENDPOINT_HOST, port }];
  });
  const process = {
    ...times,
    endpoints,
    firstBoot: !disk.booted,
    dataDisks: vm.dataDisks,
    appStopped: false,
  };
  return withBootConsole({ ...vm, process }, disk, times.startedAtMs);
}

function withBootConsole(vm: SimulatedVm, disk: SimulatedOsDisk, at: number): SimulatedVm {
  const begun = withConsole(
    vm,
    at,
    `Linux version ${disk.image.boot.release} (simulated) ${vm.hostname}, OS disk ${disk.diskId}`,
  );
  const booted = vm.process === undefined ? undefined : bootedAtMs(vm, vm.process);
  if (booted === undefined) {
    return withConsole(begun, at, 'Kernel panic - not syncing: simulate=no-boot');
  }
  const up = withConsole(begun, booted, `${vm.hostname} login: reached the multi-user target`);
  const app =
    disk.tags['simulate'] === 'unhealthy'
      ? 'answers HTTP 503: simulate=unhealthy'
      : 'answers HTTP 200';
  return withConsole(up, booted + APP_START_MS, `app[1]: ${app}`);
}

export function withFault(vm: SimulatedVm, now: number, failure: string): SimulatedVm {
  return withConsole(vm, now, `start failed: ${failure}`);
}

export function observationOf(vm: SimulatedVm): VmObservation {
  return {
    vmId: vm.vmId,
    kind: vm.kind,
    power: vm.process === undefined ? 'stopped' : 'running',
    diskId: vm.diskId,
    diskIds: vm.osDisks.map(({ diskId }) => diskId),
    ...(vm.process === undefined ? {} : { startedAtMs: vm.process.startedAtMs }),
    endpoints: vm.process?.endpoints ?? [],
  };
}

/** A lost data disk is never replaced by an empty one: somebody has to say what becomes of it. */
function requireDataDisks(vm: SimulatedVm, attempt: string): void {
  const missing = vm.luns.find((lun) => !vm.dataDisks.some((disk) => disk.lun === lun));
  if (missing === undefined) return;
  throw new EngineError(`${attempt} of ${vm.label}: its data disk lun ${missing} is missing`);
}

function freshDisk({ diskId, image, tags }: OsDiskSpec): SimulatedOsDisk {
  const fate = tags['simulate'];
  if (fate !== undefined && !SENTINELS.some((known) => known === fate)) {
    throw new EngineError(
      `OS disk ${diskId}: the tag simulate=${fate} is not known; known are ${SENTINELS.join(', ')}`,
    );
  }
  const copy = { ...image, layers: [...image.layers] };
  return { diskId, image: copy, tags: { ...tags }, booted: false, content: freshContent(image) };
}
