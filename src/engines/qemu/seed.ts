// What one VM is told at its start: identity, admin user, customData. Pure. The guest finds it as
// the folder /seed of its first file system, which is gone before the image's own programs run.
import { createHash } from 'node:crypto';
import type { VmSpec } from '../engine.ts';
import { EngineError } from '../engine.ts';
import type { CpioEntry } from './cpio.ts';
import { MAX_CUSTOM_DATA_BYTES } from './limits.ts';

export type CustomDataPart = {
  /** boothook: every boot, before systemd. script: once per OS disk. other: delivered only. */
  readonly kind: 'boothook' | 'script' | 'other';
  readonly content: string;
};

const BOOTHOOK_MARK = '#cloud-boothook';
/** Multipart in multipart is allowed once: nobody writes more, and a loop must end. */
const MAX_MIME_DEPTH = 2;

/** Throws an EngineError when it is not base64 or over Azure's limit. */
export function decodeCustomData(customData: string): Buffer {
  const compact = customData.replaceAll(/\s/g, '');
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.length % 4 !== 0)
    throw new EngineError('customData is not base64: encode it, as Azure asks');
  const decoded = Buffer.from(compact, 'base64');
  if (decoded.length > MAX_CUSTOM_DATA_BYTES)
    throw new EngineError(
      `customData has ${decoded.length} bytes decoded, the limit is ${MAX_CUSTOM_DATA_BYTES}`,
    );
  return decoded;
}

/** cloud-init's rules for the forms a scale set uses; see README, "customData". */
export function customDataParts(decoded: string, depth = 0): readonly CustomDataPart[] {
  const text = decoded.replaceAll('\r\n', '\n');
  const boundary = multipartBoundary(text);
  if (boundary !== undefined && depth < MAX_MIME_DEPTH)
    return mimeBodies(text, boundary).flatMap((body) => mimePart(body, depth));
  return [plainPart(text)];
}

function plainPart(text: string): CustomDataPart {
  if (text.startsWith(BOOTHOOK_MARK))
    return { kind: 'boothook', content: text.slice(text.indexOf('\n') + 1 || text.length) };
  return { kind: text.startsWith('#!') ? 'script' : 'other', content: text };
}

function multipartBoundary(text: string): string | undefined {
  const headers = headersOf(text);
  const match = /^multipart\/[^;]+;.*?boundary=("?)([^";\s]+)\1/is.exec(
    headers.get('content-type') ?? '',
  );
  return match?.[2];
}

function mimeBodies(text: string, boundary: string): string[] {
  const pieces = `\n${text}`.split(`\n--${boundary}`);
  // The first piece is the preamble; the piece after the last part begins with `--`.
  return pieces
    .slice(1)
    .filter((piece) => !piece.startsWith('--'))
    .map((piece) => piece.slice(piece.indexOf('\n') + 1));
}

function mimePart(part: string, depth: number): readonly CustomDataPart[] {
  const headers = headersOf(part);
  const type =
    (headers.get('content-type') ?? 'text/plain').split(';')[0]?.trim().toLowerCase() ?? '';
  if (type.startsWith('multipart/')) return customDataParts(part, depth + 1);
  const content = mimeContent(part, headers.get('content-transfer-encoding') ?? '7bit');
  if (type === 'text/x-shellscript') return [{ kind: 'script', content }];
  if (type === 'text/cloud-boothook') {
    const plain = plainPart(content);
    return [plain.kind === 'boothook' ? plain : { kind: 'boothook', content }];
  }
  return [type === 'text/plain' ? plainPart(content) : { kind: 'other', content }];
}

function mimeContent(part: string, encoding: string): string {
  const end = part.indexOf('\n\n');
  const body = end < 0 ? '' : part.slice(end + 2);
  return encoding.trim().toLowerCase() === 'base64'
    ? Buffer.from(body, 'base64').toString('utf8')
    : body;
}

/** Names in lower case. Empty when the text does not begin with a header line. */
function headersOf(text: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let last = '';
  for (const line of text.split('\n')) {
    if (line.trim() === '') break;
    const match = /^([A-Za-z-]+):\s*(.*)$/.exec(line);
    if (match !== null) {
      last = (match[1] ?? '').toLowerCase();
      headers.set(last, match[2] ?? '');
    } else if (/^\s/.test(line) && last !== '')
      headers.set(last, `${headers.get(last)} ${line.trim()}`);
    else break;
  }
  return headers;
}

/** The guest's addresses in its user network, the same in every VM. */
export const GUEST_NETWORK = {
  address: '10.0.2.15',
  netmask: '255.255.255.0',
  gateway: '10.0.2.2',
  nameServer: '10.0.2.3',
} as const;

/** Files under /seed; one value each, so that the guest's shell needs no parser. */
export function seedEntries(spec: VmSpec): readonly CpioEntry[] {
  const parts = spec.customData === undefined ? [] : partsOf(spec.customData);
  const values: Record<string, string> = {
    'disk-id': spec.osDisk.diskId,
    // An image made from this VM's disk must be new to every other VM, whatever its disk is called.
    'instance-id': `${spec.vmId}/${spec.osDisk.diskId}`,
    // What a build deletes must not stay in the layer that is made of its disk.
    'mount-options': spec.kind === 'build' ? 'noatime,discard' : 'noatime',
    hostname: spec.hostname,
    'machine-id': machineIdOf(spec),
    ...(spec.egress
      ? { gateway: GUEST_NETWORK.gateway, nameserver: GUEST_NETWORK.nameServer, mtu: '65520' }
      : {}),
    ...(spec.ports.includes(22) ? { sshd: '1' } : {}),
    ...(spec.adminUsername === undefined ? {} : { admin: spec.adminUsername }),
  };
  const files = Object.entries(values).map(([name, value]) => seedFile(name, `${value}\n`, 0o400));
  if (spec.sshPublicKeys.length > 0)
    files.push(seedFile('authorized_keys', `${spec.sshPublicKeys.join('\n')}\n`, 0o600));
  if (spec.customData !== undefined)
    files.push({
      kind: 'file',
      path: 'seed/custom-data',
      mode: 0o600,
      content: decodeCustomData(spec.customData),
    });
  return [
    { kind: 'folder', path: 'seed' },
    ...files,
    ...partFiles('boothooks', 'boothook', parts),
    ...partFiles('scripts', 'script', parts),
  ];
}

function partsOf(customData: string): readonly CustomDataPart[] {
  return customDataParts(decodeCustomData(customData).toString('utf8'));
}

function partFiles(
  folder: string,
  kind: CustomDataPart['kind'],
  parts: readonly CustomDataPart[],
): readonly CpioEntry[] {
  const mine = parts.filter((part) => part.kind === kind);
  if (mine.length === 0) return [];
  return [
    { kind: 'folder', path: `seed/${folder}` },
    ...mine.map((part, i) =>
      seedFile(`${folder}/${String(i).padStart(3, '0')}`, executable(part.content), 0o700),
    ),
  ];
}

/** cloud-init lets the kernel refuse a script without an interpreter line; a shell is kinder. */
function executable(content: string): string {
  return content.startsWith('#!') ? content : `#!/bin/sh\n${content}`;
}

function seedFile(name: string, content: string, mode: number): CpioEntry {
  return { kind: 'file', path: `seed/${name}`, mode, content: Buffer.from(content) };
}

/** The same OS disk of the same VM has the same machine-id for ever; no other has it. */
function machineIdOf(spec: VmSpec): string {
  return createHash('sha256')
    .update(`${spec.vmId}/${spec.osDisk.diskId}`)
    .digest('hex')
    .slice(0, 32);
}
