// What the builder runs inside build and validation VMs. Pure: each function returns the text of one
// command, because every command costs a round trip of about a tenth of a second.

/** As Packer's builder for Azure names it, so that paths in people's scripts hold on both. */
export const BUILD_USER = 'packer';
export const BUILD_HOSTNAME = 'rollset-build';

const STATE = '/run/rollset-build';
const SUDOERS = '/etc/sudoers.d/90-rollset-build';
const SOURCES = '/etc/apt/sources.list.d/rollset-build.sources';
const APT_SPEED = '/etc/apt/apt.conf.d/00rollset-build';
const DPKG_SPEED = '/etc/dpkg/dpkg.cfg.d/rollset-build';
/** There for the length of a build. */
const BUILD_FILES = [SUDOERS, SOURCES, APT_SPEED, DPKG_SPEED].join(' ');

/**
 * Once per VM, as root: the clock, an ordinary user with sudo and without a password, a host name
 * that sudo can look up, and Debian's own suites where the image has no package source at all.
 *
 * A build needs neither a terminal nor a session per sudo, and steps call it often: without them a
 * call takes a quarter of the time (0.28 s instead of 1.18 s in an emulated guest on a busy host).
 * Likewise apt: descriptions in other words are half of an update, gz is quicker to unpack than xz
 * (17.7 s instead of 20.6 s), and a disk that is thrown away on failure needs no fsync per package.
 */
export function prepareCommand(kernelRelease: string, nowMs: number): string {
  return `set -eu
date -u -s @${Math.floor(nowMs / 1000)} >/dev/null
mkdir -p ${STATE}
if [ -d ${quote(`/lib/modules/${kernelRelease}`)} ]; then touch ${STATE}/modules; fi
if id ${BUILD_USER} >/dev/null 2>&1; then
  echo "the image already has a user ${BUILD_USER}, the name of the build user: remove it from the source image" >&2
  exit 1
fi
if ! command -v sudo >/dev/null; then
  echo "the image has no sudo: steps run as an ordinary user, as on Azure, and could change nothing" >&2
  exit 1
fi
useradd --create-home --user-group --shell /bin/sh ${BUILD_USER}
cat >${SUDOERS} <<'END'
${BUILD_USER} ALL=(ALL) NOPASSWD:ALL
Defaults:${BUILD_USER} env_keep += "DEBIAN_FRONTEND"
Defaults:${BUILD_USER} !use_pty, !syslog, !pam_session, !pam_setcred, !pam_acct_mgmt
END
chmod 0440 ${SUDOERS}
name=$(uname -n)
if ! grep -qsw "$name" /etc/hosts; then echo "127.0.1.1 $name" >>/etc/hosts; fi
if [ -d /etc/dpkg/dpkg.cfg.d ]; then echo force-unsafe-io >${DPKG_SPEED}; fi
if [ -d /etc/apt/apt.conf.d ]; then
  cat >${APT_SPEED} <<'END'
Acquire::Languages "none";
Acquire::CompressionTypes::Order:: "gz";
END
fi
if [ -d /etc/apt ] && ! grep -qsE '^(deb |Types:)' /etc/apt/sources.list /etc/apt/sources.list.d/*; then
  . /etc/os-release
  cat >${SOURCES} <<END
Types: deb
URIs: http://deb.debian.org/debian
Suites: $VERSION_CODENAME $VERSION_CODENAME-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: $VERSION_CODENAME-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
fi
`;
}

/** Where steps find what was brought in; one step at a time, so one name is enough. */
export const BROUGHT_IN = '/tmp/rollset-step';

/** Runs lines as Packer does: together, by `sh -e`, to the first line that fails. */
export function runInlineCommand(script: string): string {
  return `${LOGIN}
exec /bin/sh -ec ${quote(script)} </dev/null
`;
}

/** Runs the executable file that was brought in as a login of the build user would. */
export function runScriptCommand(): string {
  return `${LOGIN}
exec ${BROUGHT_IN} </dev/null
`;
}

/** Copies what was brought in to where the template wants it, with the build user's rights. */
export function placeFileCommand(destination: string): string {
  return `${LOGIN}
if [ -d ${quote(destination)} ]; then
  echo ${quote(`destination ${destination} is a folder: name the file`)} >&2
  exit 1
fi
cat ${BROUGHT_IN} >${quote(destination)}
`;
}

/**
 * Last in the build VM, as root: takes out what belongs to this machine or to the build, checks that
 * it is out, and gives freed blocks back. `forbidden`: texts no image may carry, such as the
 * host's proxies.
 */
export function deprovisionCommand(kernelRelease: string, forbidden: readonly string[]): string {
  return `set -eu
cd /
if [ -e ${STATE}/modules ] && [ ! -d ${quote(`/lib/modules/${kernelRelease}`)} ]; then
  echo ${quote(`a step removed the modules of the kernel that boots this image (/lib/modules/${kernelRelease}); keep that kernel installed`)} >&2
  exit 1
fi
left=$(find /proc -maxdepth 1 -name '[0-9]*' -user ${BUILD_USER} -printf '%f ' 2>/dev/null) || true
if [ -n "$left" ]; then kill -KILL $left 2>/dev/null || true; fi
userdel --force --remove ${BUILD_USER} 2>/dev/null
rm -f ${BUILD_FILES} /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid-
sed -i '/^127\\.0\\.1\\.1[[:space:]]/d' /etc/hosts
echo localhost >/etc/hostname
: >/etc/machine-id
if [ -f /etc/resolv.conf ] && [ ! -L /etc/resolv.conf ]; then : >/etc/resolv.conf; fi
rm -rf /var/lib/dbus/machine-id /etc/ssh/ssh_host_* /var/lib/systemd/random-seed \\
  /var/lib/systemd/credential.secret /var/lib/apt/lists/* /var/cache/apt/archives/*.deb \\
  /var/cache/apt/*.bin /var/lib/dhcp/* /var/lib/cloud /var/lib/waagent /var/lib/rollset /var/log/journal/* \\
  /root/.bash_history /root/.ash_history /root/.wget-hsts /home/*/.bash_history
find /var/log -xdev -type f \\( -name '*.gz' -o -name '*.[0-9]' -o -name '*.old' \\) -delete
find /var/log -xdev -type f -size +0 -exec truncate -s 0 {} +
find /tmp /var/tmp -xdev -mindepth 1 -delete 2>/dev/null || true
if grep -qsE '^${BUILD_USER}:' /etc/passwd /etc/group /etc/shadow /etc/subuid || [ -e /home/${BUILD_USER} ]; then
  echo "the build user ${BUILD_USER} could not be removed from the image" >&2
  exit 1
fi
${forbidden.map(scanFor).join('')}sync
fstrim / || true
sync
`;
}

function scanFor(text: string): string {
  return `found=$(grep -rIlsF -e ${quote(text)} /etc/apt /etc/environment /etc/profile.d) || true
if [ -n "$found" ]; then
  echo "the image holds a proxy of the machine that builds it, in:" $found >&2
  exit 1
fi
`;
}

/** An ordinary user's environment; sudo keeps DEBIAN_FRONTEND, so that apt never asks. */
const LOGIN = `export HOME=/home/${BUILD_USER} USER=${BUILD_USER} LOGNAME=${BUILD_USER}
export PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive
cd "$HOME" || exit 1`;

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
