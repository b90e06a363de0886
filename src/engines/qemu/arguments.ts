// The QEMU command line of a VM, as data. Pure; tested as text.
import type { Accelerator } from './accelerator.ts';
import type { VmSpec } from '../engine.ts';
import { GUEST_NETWORK } from './seed.ts';

export type HostForward = { readonly guestPort: number; readonly port: number };

export type VmFiles = {
  readonly kernel: string;
  readonly initrd: string;
  readonly osDisk: string;
  readonly dataDisks: readonly { readonly lun: number; readonly file: string }[];
  readonly console: string;
  readonly monitorSocket: string;
  readonly agentSocket: string;
  readonly copySocket: string;
  readonly networkSocket: string;
};

/**
 * The kernel's own options. Each was measured under emulation on 2 cores: self-tests of ciphers
 * 170 ms, the APIC timer's calibration 120 ms (one vCPU can use the HPET instead), kprobe events
 * 50-130 ms. Without `lsm=` every start would set up AppArmor, SELinux and TOMOYO for nobody.
 */
export function kernelParameters(vCPUs: number, accelerator: Accelerator): string {
  const emulated = accelerator === 'tcg' ? ['no_timer_check', 'tsc=reliable', 'nokaslr'] : [];
  const single = accelerator === 'tcg' && vCPUs === 1 ? ['nolapic_timer'] : [];
  return [
    'console=ttyS0',
    'quiet',
    'panic=-1',
    'net.ifnames=0',
    'systemd.unit=multi-user.target',
    'mitigations=off',
    'cryptomgr.notests',
    'rcupdate.rcu_expedited=1',
    'audit=0',
    'initcall_blacklist=init_kprobe_trace',
    'lsm=landlock',
    ...emulated,
    ...single,
  ].join(' ');
}

/**
 * Emulated: the x86-64-v2 level that today's programs ask for, without the wider registers that make
 * emulation slower; rdrand, so that a guest's random numbers are ready when its kernel starts.
 */
export function acceleratorArguments(accelerator: Accelerator): readonly string[] {
  return accelerator === 'kvm'
    ? ['-accel', 'kvm', '-cpu', 'host']
    : ['-accel', 'tcg,thread=multi,tb-size=64', '-cpu', 'Nehalem,+rdrand'];
}

export const SANDBOX_ARGUMENTS = [
  '-sandbox',
  'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
] as const;

/** Build and validation disks are thrown away or converted: a crash of the host may spoil them. */
function osDiskCache(kind: VmSpec['kind']): string {
  return kind === 'instance' ? 'writeback' : 'unsafe,discard=unmap,detect-zeroes=unmap';
}

export function qemuArguments(
  spec: VmSpec,
  files: VmFiles,
  forwards: readonly HostForward[],
  accelerator: Accelerator,
): readonly string[] {
  return [
    '-name',
    `guest=${escapeOption(spec.label)}`,
    // q35 without its SATA controller: its interrupts need no ACPI link set-up (85 ms a device).
    '-machine',
    'q35,sata=off,smbus=off,graphics=off',
    ...acceleratorArguments(accelerator),
    '-smp',
    String(spec.vCPUs),
    '-m',
    `${spec.memoryMib}M`,
    '-nodefaults',
    '-no-user-config',
    '-display',
    'none',
    '-no-reboot',
    ...SANDBOX_ARGUMENTS,
    '-kernel',
    files.kernel,
    '-initrd',
    files.initrd,
    '-append',
    kernelParameters(spec.vCPUs, accelerator),
    ...disk('os', files.osDisk, osDiskCache(spec.kind)),
    ...files.dataDisks.flatMap(({ lun, file }) => disk(`lun${lun}`, file, 'writeback')),
    ...networkDevice(spec, files, forwards),
    '-device',
    'virtio-serial-pci',
    '-chardev',
    `socket,id=agent,path=${escapeOption(files.agentSocket)},server=on,wait=off`,
    '-device',
    'virtserialport,id=agent-port,chardev=agent,name=org.qemu.guest_agent.0',
    ...(spec.kind === 'instance' ? [] : copyPort(files)),
    '-chardev',
    `file,id=console,path=${escapeOption(files.console)},append=on`,
    '-serial',
    'chardev:console',
    '-qmp',
    `unix:${escapeOption(files.monitorSocket)},server=on,wait=off`,
  ];
}

function disk(serial: string, file: string, cache: string): readonly string[] {
  return [
    '-drive',
    `file=${escapeOption(file)},if=none,id=${serial},format=qcow2,cache=${cache}`,
    '-device',
    `virtio-blk-pci,drive=${serial},serial=${serial}`,
  ];
}

function networkDevice(
  spec: VmSpec,
  files: VmFiles,
  forwards: readonly HostForward[],
): readonly string[] {
  const backend = spec.egress
    ? `stream,id=net,server=off,addr.type=unix,addr.path=${escapeOption(files.networkSocket)}`
    : [
        'user,id=net,restrict=on,ipv6=off',
        ...forwards.map(
          (f) => `hostfwd=tcp:127.0.0.1:${f.port}-${GUEST_NETWORK.address}:${f.guestPort}`,
        ),
      ].join(',');
  return ['-netdev', backend, '-device', 'virtio-net-pci,netdev=net,romfile='];
}

/** Carries files into build VMs: 100 times faster than the agent's base64 lines. */
function copyPort(files: VmFiles): readonly string[] {
  return [
    '-chardev',
    `socket,id=copy,path=${escapeOption(files.copySocket)},server=on,wait=off`,
    '-device',
    'virtserialport,id=copy-port,chardev=copy,name=rollset.copy.0',
  ];
}

/** In QEMU's option strings a comma is doubled. */
export function escapeOption(value: string): string {
  return value.replaceAll(',', ',,');
}

/** passt gives a VM the outside and ends with it; egress-filter.ts keeps it from the host itself. */
export function passtArguments(
  socket: string,
  forwards: readonly HostForward[],
): readonly string[] {
  const inbound = forwards.map((f) => `127.0.0.1/${f.port}:${f.guestPort}`);
  return [
    '--foreground',
    '--quiet',
    '--one-off',
    '--socket',
    socket,
    '--ipv4-only',
    '--address',
    GUEST_NETWORK.address,
    '--netmask',
    GUEST_NETWORK.netmask,
    '--gateway',
    GUEST_NETWORK.gateway,
    // Without it the gateway's address is the host's loopback.
    '--no-map-gw',
    '--dns-forward',
    GUEST_NETWORK.nameServer,
    '--no-dhcp',
    '--udp-ports',
    'none',
    '--tcp-ports',
    inbound.length === 0 ? 'none' : inbound.join(','),
  ];
}

/** Who runs a program: no account needs to have the numbers. */
export type ProcessUser = {
  readonly uid: number;
  readonly gid: number;
  /** For a device that only a group may open; none otherwise. */
  readonly groups?: readonly number[];
};

/** Drops what root has before QEMU or passt begins, for ever: no set-uid program brings it back. */
export function unprivilegedCommand(
  user: ProcessUser | undefined,
  command: readonly string[],
): readonly [program: string, ...args: string[]] {
  if (user === undefined) return ['setpriv', '--no-new-privs', ...command];
  const { groups = [] } = user;
  return [
    'setpriv',
    `--reuid=${user.uid}`,
    `--regid=${user.gid}`,
    groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`,
    '--no-new-privs',
    '--bounding-set=-all',
    '--inh-caps=-all',
    ...command,
  ];
}
