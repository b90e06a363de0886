// The Debian packages Rollset needs, each with the file that shows it is there. The only such list.
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';

/** `file` without a slash is looked for where programs lie. `for`: needed only by checks, or only by users other than root. */
export const DEBIAN_PACKAGES = [
  { name: 'qemu-system-x86', file: 'qemu-system-x86_64' },
  { name: 'qemu-utils', file: 'qemu-img' },
  { name: 'mmdebstrap', file: 'mmdebstrap' },
  { name: 'debian-archive-keyring', file: '/usr/share/keyrings/debian-archive-keyring.gpg' },
  { name: 'e2fsprogs', file: 'debugfs' },
  { name: 'cpio', file: 'cpio' },
  { name: 'lz4', file: 'lz4' },
  { name: 'busybox-static', file: '/bin/busybox' },
  { name: 'util-linux', file: 'setpriv' },
  { name: 'passt', file: 'passt' },
  { name: 'haproxy', file: 'haproxy' },
  // Without root, the base image is made in a user namespace.
  { name: 'uidmap', file: 'newuidmap', for: 'user' },
  // The example app's own tests run it on the host.
  { name: 'python3', file: 'python3', for: 'test' },
];

/** `sbin` is not on every user's PATH, though haproxy and debugfs live there. */
const PROGRAM_FOLDERS = [
  ...(process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

/** Names of the packages whose file is not here, in the order of the list. */
export function missingDebianPackages(purpose) {
  const purposes = [undefined, purpose, process.getuid?.() === 0 ? 'root' : 'user'];
  return DEBIAN_PACKAGES.filter((entry) => purposes.includes(entry.for))
    .filter((entry) => !isPresent(entry.file))
    .map((entry) => entry.name);
}

export function isPresent(file) {
  const candidates = isAbsolute(file)
    ? [file]
    : PROGRAM_FOLDERS.map((folder) => join(folder, file));
  return candidates.some((path) => {
    try {
      accessSync(path, constants.R_OK);
      return true;
    } catch {
      return false;
    }
  });
}
