// Compiles environment, data-disk mounts and the user's customData into one customData. Pure.
//
// Ours is a boothook: cloud-init (Azure) and our own guest run it early at every boot, before the
// app starts, so it is idempotent. With the user's own customData the two are parts of one MIME
// message, each of the type that cloud-init would give it.
import { createHash } from 'node:crypto';
import { CommandFailure } from '../failure.ts';
import { shellQuote } from './shell-quote.ts';

export type Mount = { readonly lun: number; readonly mount: string };
export type CustomDataInput = {
  readonly environment: Readonly<Record<string, string>>;
  readonly mounts: readonly Mount[];
  /** The user's own, as text. */
  readonly customData?: string;
};

/** Azure's limit on the decoded text. */
const CUSTOM_DATA_BYTES_MAX = 65_535;

/** The text before base64. Throws CommandFailure when it is longer than Azure takes. */
export function compileCustomData(input: CustomDataInput): string {
  const script = boothook(input);
  const text =
    input.customData === undefined
      ? `#cloud-boothook\n${script}`
      : multipart([
          ['text/cloud-boothook', script],
          [partType(input.customData), input.customData],
        ]);
  const bytes = Buffer.byteLength(text);
  if (bytes > CUSTOM_DATA_BYTES_MAX) {
    throw new CommandFailure(
      `fleet.customData and fleet.environment together take ${bytes} bytes, more than the ${CUSTOM_DATA_BYTES_MAX} that a VM can be given: put the bulk into the image`,
    );
  }
  return text;
}

/** Lines of systemd's EnvironmentFile, which a POSIX shell reads alike. */
export function environmentFile(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}="${value.replace(/["\\$`]/g, '\\$&')}"\n`)
    .join('');
}

function boothook({ environment, mounts }: CustomDataInput): string {
  const lines = environmentFile(environment);
  const mountPart =
    mounts.length === 0
      ? ''
      : [
          MOUNT_FUNCTION,
          ...mounts
            .toSorted((a, b) => a.lun - b.lun)
            .map(({ lun, mount }) => `mount_data_disk ${lun} ${shellQuote(mount)} || failed=1\n`),
          'exit "$failed"\n',
        ].join('');
  return `#!/bin/sh
# Written by rollset ship; runs early at every boot.
set -eu
umask 077
[ -d /etc/rollset ] || mkdir -p /etc/rollset
printf '%s' ${shellQuote(lines)} >/etc/rollset/environment
umask 022
${mountPart}`;
}

/**
 * Each swap runs this, on an emulated CPU maybe, so the ordinary case costs one process: the mount.
 * A disk is formatted only when it does not mount and blkid, which looks for file systems and
 * partition tables alike, has read it and found nothing (exit code 2). Where no disk could be
 * mounted the empty mount point is made immutable: an app without its disk must fail rather than
 * write to the OS disk, which the next swap discards.
 */
const MOUNT_FUNCTION = `refuse() {
  echo "rollset: $1" >&2
  chattr +i "$2" || true
}
mount_data_disk() {
  device=/dev/disk/azure/scsi1/lun$1
  while read -r _ at _; do
    if [ "$at" = "$2" ]; then return 0; fi
  done </proc/mounts
  [ -d "$2" ] || mkdir -p "$2"
  waited=0
  while [ ! -b "$device" ]; do
    if [ "$waited" -ge 60 ]; then
      refuse "data disk $device did not appear in 60 s" "$2"
      return 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
  if mount "$device" "$2" 2>/dev/null; then return 0; fi
  found=0
  blkid -p "$device" >/dev/null 2>&1 || found=$?
  if [ "$found" -ne 2 ] || ! dd if="$device" of=/dev/null bs=4096 count=1 2>/dev/null; then
    refuse "data disk $device holds something that does not mount (blkid: $found); left alone" "$2"
    return 1
  fi
  if mkfs.ext4 -q -m 0 "$device" && mount "$device" "$2"; then return 0; fi
  refuse "data disk $device could not be formatted" "$2"
  return 1
}
failed=0
`;

/** As cloud-init would sort it; anything else is only delivered. */
function partType(text: string): string {
  if (text.startsWith('#!')) return 'text/x-shellscript';
  if (text.startsWith('#cloud-config')) return 'text/cloud-config';
  return 'text/plain';
}

function multipart(parts: readonly (readonly [type: string, text: string])[]): string {
  const content = parts.map(([, text]) => text).join('\0');
  const boundary = `rollset-${createHash('sha256').update(content).digest('hex').slice(0, 24)}`;
  const body = parts.map(
    ([type, text]) =>
      `--${boundary}\nContent-Type: ${type}; charset="utf-8"\nMIME-Version: 1.0\nContent-Transfer-Encoding: 8bit\n\n${text.endsWith('\n') ? text : `${text}\n`}`,
  );
  return `Content-Type: multipart/mixed; boundary="${boundary}"\nMIME-Version: 1.0\n\n${body.join('')}--${boundary}--\n`;
}
