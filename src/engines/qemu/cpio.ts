// Writes cpio archives in the form the kernel unpacks as its first file system ("newc"). Pure.

export type CpioEntry =
  | { readonly kind: 'folder'; readonly path: string; readonly mode?: number }
  | {
      readonly kind: 'file';
      readonly path: string;
      readonly mode: number;
      readonly content: Uint8Array;
    }
  | { readonly kind: 'link'; readonly path: string; readonly target: string };

const FOLDER = 0o040000;
const REGULAR = 0o100000;
const LINK = 0o120777;
/** The kernel looks for the next archive at a multiple of 4; 512 is what cpio itself pads to. */
const ARCHIVE_ALIGNMENT = 512;

/** Entries in the order given; parents must come before their children. Same input, same bytes. */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 1;
  for (const entry of entries) parts.push(...cpioRecord(entry, inode++));
  parts.push(...record('TRAILER!!!', 0, 0, Buffer.alloc(0)));
  const body = Buffer.concat(parts);
  return Buffer.concat([body, Buffer.alloc(padding(body.length, ARCHIVE_ALIGNMENT))]);
}

function cpioRecord(entry: CpioEntry, inode: number): Buffer[] {
  if (entry.kind === 'folder')
    return record(entry.path, FOLDER | (entry.mode ?? 0o755), inode, Buffer.alloc(0));
  if (entry.kind === 'link') return record(entry.path, LINK, inode, Buffer.from(entry.target));
  return record(entry.path, REGULAR | entry.mode, inode, Buffer.from(entry.content));
}

function record(path: string, mode: number, inode: number, content: Buffer): Buffer[] {
  const name = Buffer.from(`${path}\0`);
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0];
  const header = Buffer.from(
    `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`,
  );
  return [
    header,
    name,
    Buffer.alloc(padding(header.length + name.length, 4)),
    content,
    Buffer.alloc(padding(content.length, 4)),
  ];
}

function padding(length: number, alignment: number): number {
  return (alignment - (length % alignment)) % alignment;
}
