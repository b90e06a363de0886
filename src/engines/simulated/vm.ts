// One simulated VM as data, and what follows from it at a given time. Pure.
//
// Nothing ticks: a VM boots, answers and dies because of when its process began. So the VMs outlive
// the control plane, as real ones do: who reads the state later finds them where they are by then.
import { z } from 'zod';
import type { DataDiskFacts, GuestReport } from '../../model/scale-set.ts';
import { APP_START_MS, BOOT_MS, CONSOLE_LINES, SLOW_BOOT_MS } from './limits.ts';

/** Fates a person can choose by tagging an image version `simulate=…`. */
export const SENTINELS = ['unhealthy', 'no-boot', 'slow-boot'] as const;

const manifestSchema = z.object({
  layers: z.array(z.object({ digest: z.string(), sizeBytes: z.number() })),
  boot: z.object({ kernel: z.string(), modules: z.string(), release: z.string() }),
  osDiskSizeBytes: z.number(),
});

const osDiskSchema = z.object({
  diskId: z.string(),
  image: manifestSchema,
  tags: z.record(z.string(), z.string()),
  booted: z.boolean(),
  /** Digest of all that was run in and copied to this disk, in order. */
  content: z.string(),
});

const dataDiskSchema = z.object({
  lun: z.number(),
  sizeBytes: z.number(),
  filesystemUuid: z.string().optional(),
  clean: z.boolean().optional(),
});

const processSchema = z.object({
  startedAtMs: z.number(),
  diesAtMs: z.number().optional(),
  endpoints: z.array(z.object({ guestPort: z.number(), host: z.string(), port: z.number() })),
  firstBoot: z.boolean(),
  dataDisks: z.array(dataDiskSchema),
  appStopped: z.boolean(),
});

export const vmSchema = z.object({
  vmId: z.string(),
  kind: z.enum(['instance', 'build', 'validation']),
  label: z.string(),
  hostname: z.string(),
  ports: z.array(z.number()),
  diskId: z.string(),
  osDisks: z.array(osDiskSchema),
  /** The data disks it is defined with; a disk of its own may have been lost. */
  luns: z.array(z.number()),
  dataDisks: z.array(dataDiskSchema),
  /** Present while it runs. */
  process: processSchema.optional(),
  console: z.array(z.object({ atMs: z.number(), text: z.string() })),
});

export type SimulatedVm = z.infer<typeof vmSchema>;
export type SimulatedOsDisk = z.infer<typeof osDiskSchema>;
export type SimulatedProcess = z.infer<typeof processSchema>;

/** What the app in a VM answers at some instant. */
export type AppAnswer = { readonly healthy: boolean; readonly reason: string };

export function currentDisk(vm: SimulatedVm): SimulatedOsDisk {
  const disk = vm.osDisks.find((each) => each.diskId === vm.diskId);
  if (disk === undefined) throw new Error(`VM ${vm.vmId} has lost its OS disk ${vm.diskId}`);
  return disk;
}

/** Undefined: this disk never boots. */
export function bootedAtMs(vm: SimulatedVm, process: SimulatedProcess): number | undefined {
  const fate = currentDisk(vm).tags['simulate'];
  if (fate === 'no-boot') return undefined;
  return process.startedAtMs + (fate === 'slow-boot' ? SLOW_BOOT_MS : BOOT_MS);
}

export function hasBooted(vm: SimulatedVm, process: SimulatedProcess, now: number): boolean {
  const at = bootedAtMs(vm, process);
  return at !== undefined && now >= at;
}

export function guestReportOf(vm: SimulatedVm, now: number): GuestReport | undefined {
  if (vm.process === undefined || !hasBooted(vm, vm.process, now)) return undefined;
  const dataDisks = vm.process.dataDisks.map(
    ({ lun, sizeBytes, filesystemUuid, clean }): DataDiskFacts => ({
      lun,
      serial: `lun${lun}`,
      sizeBytes,
      ...(filesystemUuid === undefined ? {} : { filesystemUuid }),
      ...(clean === undefined ? {} : { clean }),
    }),
  );
  return { diskId: vm.diskId, firstBoot: vm.process.firstBoot, dataDisks };
}

export function appAnswerOf(vm: SimulatedVm | undefined, now: number): AppAnswer {
  if (vm?.process === undefined) return { healthy: false, reason: 'connection refused' };
  const booted = bootedAtMs(vm, vm.process);
  if (booted === undefined || now < booted + APP_START_MS) {
    return { healthy: false, reason: 'no answer: the guest is still starting' };
  }
  if (vm.process.appStopped) return { healthy: false, reason: 'connection reset' };
  return currentDisk(vm).tags['simulate'] === 'unhealthy'
    ? { healthy: false, reason: 'HTTP 503' }
    : { healthy: true, reason: 'HTTP 200' };
}

/** The VM after its process ended at `atMs`: what a boot has left behind, clean or not. */
export function ended(vm: SimulatedVm, atMs: number, graceful: boolean): SimulatedVm {
  const { process, ...rest } = vm;
  if (process === undefined) return vm;
  const line = graceful ? 'reboot: Power down' : 'the VM ended by itself';
  const said = rest.console.filter((each) => each.atMs <= atMs);
  const stopped = withConsole({ ...rest, console: said }, atMs, line);
  if (!hasBooted(vm, process, atMs)) return stopped;
  return {
    ...stopped,
    osDisks: vm.osDisks.map((each) =>
      each.diskId === vm.diskId ? { ...each, booted: true } : each,
    ),
    dataDisks: vm.dataDisks.map((disk) => ({
      ...disk,
      // As a guest does at its first start: a file system where there was none.
      filesystemUuid: disk.filesystemUuid ?? filesystemUuidOf(vm.vmId, disk.lun),
      clean: graceful,
    })),
  };
}

/** The VM as it is by `now`: one that was to die has died. */
export function settled(vm: SimulatedVm, now: number): SimulatedVm {
  const diesAtMs = vm.process?.diesAtMs;
  return diesAtMs === undefined || now < diesAtMs ? vm : ended(vm, diesAtMs, false);
}

export function withConsole<T extends Pick<SimulatedVm, 'console'>>(
  vm: T,
  atMs: number,
  text: string,
): T {
  return { ...vm, console: [...vm.console, { atMs, text }].slice(-CONSOLE_LINES) };
}

/** Seconds since the VM's first line, as a kernel writes them; lines of the future are not there yet. */
export function consoleTextOf(vm: SimulatedVm, now: number): string {
  const zero = vm.console[0]?.atMs ?? now;
  return vm.console
    .filter(({ atMs }) => atMs <= now)
    .toSorted((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => `[${((atMs - zero) / 1000).toFixed(6).padStart(12)}] ${text}\n`)
    .join('');
}

function filesystemUuidOf(vmId: string, lun: number): string {
  const hex = Buffer.from(`${vmId}/${lun}`).toString('hex').padStart(32, '0').slice(-32);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
