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
  const end = heredocEnd(lines);
  const mountPart =
    mounts.length === 0
      ? ''
      : `${MOUNT_FUNCTION}${mounts
          .toSorted((a, b) => a.lun - b.lun)
          .map(({ lun, mount }) => `mount_data_disk ${lun} ${shellQuote(mount)}\n`)
          .join('')}`;
  return `#!/bin/sh
# Written by rollset ship; runs early at every boot.
set -eu
mkdir -p /etc/rollset
umask 077
cat > /etc/rollset/environment.new <<'${end}'
${lines}${end}
mv -f /etc/rollset/environment.new /etc/rollset/environment
umask 022
${mountPart}`;
}

/**
 * A disk is formatted only when blkid, which looks for file systems and partition tables alike, has
 * read it and found nothing (exit code 2). The empty mount point is made immutable: an app
 * whose disk is missing must fail rather than write to the OS disk, which the next swap discards.
 */
const MOUNT_FUNCTION = `mount_data_disk() {
  device=/dev/disk/azure/scsi1/lun$1
  waited=0
  while [ ! -b "$device" ]; do
    if [ "$waited" -ge 60 ]; then
      echo "rollset: data disk $device did not appear in 60 s" >&2
      return 1
    fi
    sleep 1
    waited=$((waited + 1))
  done
  if mountpoint -q "$2"; then return 0; fi
  found=0
  blkid -p "$device" >/dev/null 2>&1 || found=$?
  if [ "$found" -eq 2 ] && dd if="$device" of=/dev/null bs=4096 count=1 2>/dev/null; then
    mkfs.ext4 -q -m 0 "$device"
  elif [ "$found" -ne 0 ]; then
    echo "rollset: cannot tell what is on data disk $device (blkid: $found); left alone" >&2
    return 1
  fi
  mkdir -p "$2"
  chattr +i "$2" 2>/dev/null || true
  mount "$device" "$2"
}
`;

/** A line that ends the here-document and cannot be one of its lines. */
function heredocEnd(text: string): string {
  const lines = new Set(text.split('\n'));
  let end = 'ROLLSET_ENVIRONMENT';
  while (lines.has(end)) end += '_';
  return end;
}

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
