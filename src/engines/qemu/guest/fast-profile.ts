// The fast guest profile: which of the image's systemd units and generators a VM does without.
// A declared difference from the image's ordinary boot; README lists it for people. Pure data.

/** Never needed in a VM whose disks, network and identity the initrd has prepared. */
const ALWAYS_MASKED = [
  // Identity, root file system and static nodes: the initrd has done it.
  'systemd-remount-fs.service',
  'systemd-firstboot.service',
  'systemd-machine-id-commit.service',
  'systemd-sysusers.service',
  'systemd-repart.service',
  'systemd-random-seed.service',
  'systemd-tmpfiles-setup-dev.service',
  'kmod-static-nodes.service',
  'systemd-hwdb-update.service',
  'systemd-boot-system-token.service',
  'systemd-pcrphase.service',
  'systemd-pcrphase-sysinit.service',
  'systemd-pstore.service',
  // Network: addresses are set before systemd starts.
  'networking.service',
  'ifupdown-pre.service',
  'systemd-networkd.service',
  'systemd-networkd.socket',
  'systemd-networkd-wait-online.service',
  'systemd-network-generator.service',
  // Log-ins at a console nobody sits at.
  'getty.target',
  'getty-static.service',
  'console-getty.service',
  'systemd-logind.service',
  'systemd-update-utmp.service',
  'systemd-update-utmp-runlevel.service',
  'systemd-ask-password-console.path',
  'systemd-ask-password-wall.path',
  'systemd-initctl.socket',
  'systemd-journald-audit.socket',
  'systemd-journal-flush.service',
  // Volumes we do not offer.
  'cryptsetup.target',
  'integritysetup.target',
  'veritysetup.target',
  'remote-fs.target',
  // Debugging file systems: 20 ms each under emulation.
  'proc-sys-fs-binfmt_misc.automount',
  'sys-fs-fuse-connections.mount',
  'sys-kernel-config.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
  'systemd-binfmt.service',
  // Housekeeping of long-lived machines: images replace instances instead.
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'man-db.timer',
  'systemd-tmpfiles-clean.timer',
  // Other provisioning agents: there is one of us, and no metadata service to wait for.
  'qemu-guest-agent.service',
  'cloud-init-local.service',
  'cloud-init.service',
  'cloud-config.service',
  'cloud-final.service',
  'walinuxagent.service',
  'walinuxagent-network-setup.service',
] as const;

/** Masked unless the image brings something for them to do; the initrd looks (init-script.ts). */
export const CONDITIONAL_UNITS = {
  udev: [
    'systemd-udevd.service',
    'systemd-udevd-control.socket',
    'systemd-udevd-kernel.socket',
    'systemd-udev-trigger.service',
  ],
  tmpfiles: ['systemd-tmpfiles-setup.service', 'systemd-user-sessions.service'],
  sysctl: ['systemd-sysctl.service'],
  modules: ['systemd-modules-load.service'],
  sshd: ['ssh.service', 'ssh.socket', 'sshd.service'],
} as const;

/** What Debian 12's own packages bring; anything else in those folders counts as the image's wish. */
export const ORDINARY_CONFIGURATION = {
  tmpfiles: [
    'credstore',
    'debian',
    'home',
    'journal-nocow',
    'legacy',
    'passwd',
    'provision',
    'static-nodes-permissions',
    'sudo',
    'systemd',
    'systemd-network',
    'systemd-nologin',
    'systemd-pstore',
    'systemd-tmp',
    'tmp',
    'var',
    'x11',
  ].map((name) => `${name}.conf`),
  sysctl: ['50-pid-max.conf', '99-protect-links.conf', '99-sysctl.conf'],
  initScripts: [
    'cron',
    'dbus',
    'hwclock.sh',
    'kmod',
    'networking',
    'procps',
    'rsync',
    'ssh',
    'sudo',
    'udev',
    'qemu-guest-agent',
    'x11-common',
    'console-setup.sh',
    'keyboard-setup.sh',
  ],
} as const;

/** Generators spend 200 ms of emulated CPU to find that there is nothing to generate. */
const GENERATORS = {
  always: [
    'systemd-bless-boot-generator',
    'systemd-cryptsetup-generator',
    'systemd-debug-generator',
    'systemd-getty-generator',
    'systemd-gpt-auto-generator',
    'systemd-hibernate-resume-generator',
    'systemd-integritysetup-generator',
    'systemd-run-generator',
    'systemd-system-update-generator',
    'systemd-veritysetup-generator',
    'cloud-init-generator',
  ],
  fstab: ['systemd-fstab-generator'],
  sysv: ['systemd-sysv-generator'],
  rcLocal: ['systemd-rc-local-generator'],
} as const;

export const GENERATOR_NAMES = GENERATORS;

/** Symlinks to /dev/null, as paths under /run/systemd: `[folder, name]`. */
export function maskedPaths(): readonly (readonly [folder: string, name: string])[] {
  const units = [...ALWAYS_MASKED, ...Object.values(CONDITIONAL_UNITS).flat()];
  const generators = Object.values(GENERATORS).flat();
  return [
    ...units.map((name) => ['system', name] as const),
    ...generators.map((name) => ['system-generators', name] as const),
  ];
}
