// The first program of a guest: prepares what the fast profile leaves out, then starts the image's
// own systemd. Text only. Every fork costs 4-6 ms under emulation, so it prefers shell builtins.
import { GUEST_NETWORK } from '../seed.ts';
import { CONDITIONAL_UNITS, GENERATOR_NAMES, ORDINARY_CONFIGURATION } from './fast-profile.ts';

/** busybox programs that the script calls by name. */
export const INIT_APPLETS = [
  'sh',
  'mount',
  'insmod',
  'ifconfig',
  'route',
  'switch_root',
  'cat',
  'cp',
  'mkdir',
  'ln',
  'od',
  'chroot',
  'chmod',
  'chown',
  'rm',
  'sed',
  'sync',
  'poweroff',
  'sleep',
] as const;

const unitPaths = (names: readonly string[]) =>
  names.map((name) => `systemd/system/${name}`).join(' ');
const generatorPaths = (names: readonly string[]) =>
  names.map((name) => `systemd/system-generators/${name}`).join(' ');

export function initScript(): string {
  return [PREAMBLE, DISKS, REPORT, NETWORK, FIRST_BOOT, PROFILE, UNITS, BOOTHOOKS, HANDOVER].join(
    '\n',
  );
}

const PREAMBLE = `#!/bin/busybox sh
export PATH=/bin
R=/newroot
give_up() {
  echo "rollset: $*; the VM powers off" >/dev/console
  sync
  poweroff -f
}
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
for m in /modules/*.ko; do insmod $m || give_up "kernel module $m does not load"; done
read -r disk_id </seed/disk-id
read -r instance_id </seed/instance-id
read -r hostname </seed/hostname
read -r mount_options </seed/mount-options
`;

// A disk is known by its virtio serial; names such as vdb follow the order of probing only.
const DISKS = `
os=
luns=
for b in /sys/block/vd*; do
  read -r serial <$b/serial
  case $serial in
    os) os=\${b##*/} ;;
    lun*) luns="$luns \${serial#lun}:\${b##*/}" ;;
  esac
done
[ -n "$os" ] || give_up "no disk with serial os"
mount -t ext4 -o $mount_options /dev/$os $R || give_up "the OS disk does not mount as ext4"
mount --move /sys $R/sys
mount --move /dev $R/dev
mount -t proc proc $R/proc
mount -t tmpfs -o mode=0755,nosuid,nodev,size=50% tmpfs $R/run
cp -a /overlay/. $R/
azure=$R/dev/disk/azure
ln -s ../../$os $azure/root
`;

// ext's superblock at byte 1024: from +0x38 magic, state (bit 0: clean), from +0x60 needed features
// (bit 2: journal to be replayed), from +0x68 the UUID. Read before anything may mount the disk.
const REPORT = `
first_boot=true
if [ -f $R/var/lib/rollset/os-disk-id ]; then
  read -r known <$R/var/lib/rollset/os-disk-id
  [ "$known" = "$instance_id" ] && first_boot=false
fi
disks=
for l in $luns; do
  lun=\${l%%:*}
  dev=\${l##*:}
  ln -s ../../../$dev $azure/scsi1/lun$lun
  read -r sectors <$R/sys/block/$dev/size
  facts=
  set -- $(od -A n -v -t x1 -j 1080 -N 64 $R/dev/$dev)
  if [ "$1$2" = 53ef ]; then
    clean=false
    [ $((0x$3 & 1)) -eq 1 ] && [ $((0x\${41} & 4)) -eq 0 ] && clean=true
    shift 48
    uuid=$1$2$3$4-$5$6-$7$8-$9\${10}-\${11}\${12}\${13}\${14}\${15}\${16}
    facts=",\\"filesystemUuid\\":\\"$uuid\\",\\"clean\\":$clean"
  fi
  disks="$disks\${disks:+,}{\\"lun\\":$lun,\\"serial\\":\\"lun$lun\\",\\"sizeBytes\\":$((sectors * 512))$facts}"
done
echo "{\\"diskId\\":\\"$disk_id\\",\\"firstBoot\\":$first_boot,\\"dataDisks\\":[$disks]}" >$R/run/rollset/report.json
`;

const NETWORK = `
ifconfig eth0 ${GUEST_NETWORK.address} netmask ${GUEST_NETWORK.netmask} up
resolver="# This VM has no outbound network."
if [ -f /seed/gateway ]; then
  read -r gateway </seed/gateway
  read -r nameserver </seed/nameserver
  read -r mtu </seed/mtu
  ifconfig eth0 mtu $mtu
  route add default gw $gateway
  resolver="nameserver $nameserver"
fi
known=
[ -f $R/etc/resolv.conf ] && read -r known <$R/etc/resolv.conf
if [ "$known" != "$resolver" ]; then
  rm -f $R/etc/resolv.conf
  echo "$resolver" >$R/etc/resolv.conf
fi
echo "$hostname" >$R/proc/sys/kernel/hostname
`;

// Repeated when it was cut short: the marker is written last. useradd would do the same as the lines
// of add_admin, with six fsyncs and 400 ms of emulated CPU in every swap.
const FIRST_BOOT = `
add_admin() {
  read -r admin </seed/admin
  uid=1000
  known=
  while IFS=: read -r name x number rest; do
    [ "$name" = "$admin" ] && known=$number
    [ "$number" -ge $uid ] && [ "$number" -lt 60000 ] && uid=$((number + 1))
  done <$R/etc/passwd
  if [ -z "$known" ]; then
    shell=/bin/bash
    [ -x $R/bin/bash ] || shell=/bin/sh
    echo "$admin:x:$uid:$uid::/home/$admin:$shell" >>$R/etc/passwd
    echo "$admin:x:$uid:" >>$R/etc/group
    echo "$admin:!:19000:0:99999:7:::" >>$R/etc/shadow
    [ -f $R/etc/gshadow ] && echo "$admin:!::" >>$R/etc/gshadow
    mkdir -p $R/home/$admin
    cp -a $R/etc/skel/. $R/home/$admin/
    known=$uid
  fi
  mkdir -p $R/etc/sudoers.d
  echo "$admin ALL=(ALL) NOPASSWD: ALL" >$R/etc/sudoers.d/90-rollset-admin
  chmod 0440 $R/etc/sudoers.d/90-rollset-admin
  if [ -f /seed/authorized_keys ]; then
    mkdir -p -m 0700 $R/home/$admin/.ssh
    cp /seed/authorized_keys $R/home/$admin/.ssh/authorized_keys
  fi
  chown -R $known:$known $R/home/$admin
}
if [ $first_boot = true ]; then
  echo "$hostname" >$R/etc/hostname
  cat /seed/machine-id >$R/etc/machine-id
  [ -f $R/etc/hosts ] || echo "127.0.0.1 localhost" >$R/etc/hosts
  sed -i '/^127\\.0\\.1\\.1[[:space:]]/d' $R/etc/hosts
  echo "127.0.1.1 $hostname" >>$R/etc/hosts
  rm -f $R/etc/ssh/ssh_host_*_key $R/etc/ssh/ssh_host_*_key.pub
  [ -f /seed/admin ] && add_admin
  if [ -f /seed/custom-data ]; then
    mkdir -p $R/var/lib/waagent
    chmod 0700 $R/var/lib/waagent
    cp /seed/custom-data $R/var/lib/waagent/CustomData
    chmod 0600 $R/var/lib/waagent/CustomData
  fi
  mkdir -p $R/var/lib/rollset
  echo "$instance_id" >$R/var/lib/rollset/os-disk-id
fi
`;

// Debian sets these through systemd-sysctl and systemd-tmpfiles, which the profile leaves out.
const PROFILE = `
echo 1 >$R/proc/sys/fs/protected_hardlinks
echo 1 >$R/proc/sys/fs/protected_symlinks
echo 1 >$R/proc/sys/fs/protected_fifos
echo 2 >$R/proc/sys/fs/protected_regular
echo 4194304 >$R/proc/sys/kernel/pid_max
needed=
has_settings() {
  while read -r line || [ -n "$line" ]; do
    case $line in '' | '#'* | ';'*) ;; *) return 0 ;; esac
  done <"$1"
  return 1
}
for f in $R/etc/tmpfiles.d/*.conf $R/usr/lib/tmpfiles.d/*.conf; do
  [ -f "$f" ] || continue
  case \${f##*/} in ${ORDINARY_CONFIGURATION.tmpfiles.join(' | ')}) ;; *) needed="$needed ${unitPaths(CONDITIONAL_UNITS.tmpfiles)}"; break ;; esac
done
for f in $R/etc/sysctl.conf $R/etc/sysctl.d/*.conf $R/usr/lib/sysctl.d/*.conf; do
  [ -f "$f" ] || continue
  case \${f##*/} in ${ORDINARY_CONFIGURATION.sysctl.join(' | ')}) ;; *) has_settings "$f" && needed="$needed ${unitPaths(CONDITIONAL_UNITS.sysctl)}" && break ;; esac
done
for f in $R/etc/modules $R/etc/modules-load.d/*.conf $R/usr/lib/modules-load.d/*.conf; do
  [ -f "$f" ] && has_settings "$f" && needed="$needed ${unitPaths(CONDITIONAL_UNITS.modules)}" && break
done
udev=
for f in $R/etc/udev/rules.d/*.rules; do [ -f "$f" ] && udev=1; done
if [ -f $R/etc/fstab ]; then
  while read -r what where rest; do
    case $what in '' | '#'*) continue ;; esac
    [ "$where" = / ] && continue
    udev=1
    needed="$needed ${generatorPaths(GENERATOR_NAMES.fstab)}"
    break
  done <$R/etc/fstab
fi
[ -n "$udev" ] && needed="$needed ${unitPaths(CONDITIONAL_UNITS.udev)}"
[ -x $R/etc/rc.local ] && needed="$needed ${generatorPaths(GENERATOR_NAMES.rcLocal)}"
for f in $R/etc/init.d/*; do
  n=\${f##*/}
  case $n in ${ORDINARY_CONFIGURATION.initScripts.join(' | ')} | '*') continue ;; esac
  [ -f $R/usr/lib/systemd/system/$n.service ] || [ -e $R/etc/systemd/system/$n.service ] && continue
  needed="$needed ${generatorPaths(GENERATOR_NAMES.sysv)}"
  break
done
[ -f /seed/sshd ] && needed="$needed ${unitPaths(CONDITIONAL_UNITS.sshd)}"
if [ -n "$needed" ]; then
  (cd $R/run && rm -f $needed)
  echo "rollset: this image also needs$needed" >/dev/console
fi
`;

const UNITS = `
units=$R/run/systemd/system
agent=/usr/sbin/qemu-ga
[ -x $R$agent ] || agent=/usr/bin/qemu-ga
for p in $R/sys/class/virtio-ports/*; do
  read -r name <$p/name
  case $name in
    org.qemu.guest_agent.0) agent_port=/dev/\${p##*/} ;;
    rollset.copy.0) ln -s ../../dev/\${p##*/} $R/run/rollset/copy ;;
  esac
done
echo "[Unit]
Description=Rollset's channel into this VM
DefaultDependencies=no
[Service]
ExecStart=$agent --method=virtio-serial --path=$agent_port --statedir=/run/rollset
Restart=always
RestartSec=200ms
OOMScoreAdjust=-900" >$units/rollset-agent.service
ln -s ../rollset-agent.service $units/sysinit.target.wants/rollset-agent.service
if [ -f /seed/sshd ]; then
  mkdir -p $units/ssh.service.d
  echo "[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t" >$units/ssh.service.d/rollset.conf
fi
journald=$R/usr/lib/systemd/system/systemd-journald.service
if [ -f $journald ]; then
  sed -e '/^Before=sysinit.target/d' -e '/^\\[Service\\]/a Nice=10' $journald >$units/systemd-journald.service
  echo "[Unit]
Description=Moves this boot's log to the OS disk
DefaultDependencies=no
After=multi-user.target systemd-journald.service
[Service]
Nice=19
ExecStart=/bin/sh -c 'sleep 3; exec journalctl --flush'" >$units/rollset-journal-flush.service
  ln -s ../rollset-journal-flush.service $units/multi-user.target.wants/rollset-journal-flush.service
fi
done_scripts=
[ -f $R/var/lib/rollset/scripts-done ] && read -r done_scripts <$R/var/lib/rollset/scripts-done
if [ -d /seed/scripts ] && [ "$done_scripts" != "$instance_id" ]; then
  cp -a /seed/scripts $R/run/rollset/scripts
  echo "[Unit]
Description=customData scripts of this VM
After=network-online.target
Wants=network-online.target
[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root
ExecStart=/bin/sh -c 'code=0; for s in /run/rollset/scripts/*; do \\"\\$s\\" || code=\\$\\$?; done; echo $instance_id >/var/lib/rollset/scripts-done; exit \\$\\$code'" >$units/rollset-scripts.service
  ln -s ../rollset-scripts.service $units/multi-user.target.wants/rollset-scripts.service
fi
`;

const BOOTHOOKS = `
if [ -d /seed/boothooks ]; then
  cp -a /seed/boothooks $R/run/rollset/boothooks
  for h in $R/run/rollset/boothooks/*; do
    INSTANCE_ID=$instance_id PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \\
      /bin/chroot $R /run/rollset/boothooks/\${h##*/} <$R/dev/null >/dev/console 2>&1 ||
      echo "rollset: customData boothook \${h##*/} ended with $?" >/dev/console
  done
fi
`;

const HANDOVER = `
read -r up rest <$R/proc/uptime
echo "rollset: $hostname, OS disk $disk_id, prepared after $up s" >/dev/console
exec switch_root $R /sbin/init </dev/console >/dev/console 2>&1
`;
