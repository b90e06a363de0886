import { describe, expect, test } from 'vitest';
import type { VmSpec } from '../engine.ts';
import { customDataParts, decodeCustomData, seedEntries } from './seed.ts';

const BOOTHOOK = '#cloud-boothook\n#!/bin/sh\necho boot\n';

describe('customData', () => {
  test.each([
    ['a boothook', BOOTHOOK, [{ kind: 'boothook', content: '#!/bin/sh\necho boot\n' }]],
    ['a script', '#!/bin/bash\ntrue\n', [{ kind: 'script', content: '#!/bin/bash\ntrue\n' }]],
    [
      'cloud-config',
      '#cloud-config\na: 1\n',
      [{ kind: 'other', content: '#cloud-config\na: 1\n' }],
    ],
    ['any text', 'hello', [{ kind: 'other', content: 'hello' }]],
    ['nothing', '', [{ kind: 'other', content: '' }]],
    ['a boothook of one line', '#cloud-boothook', [{ kind: 'boothook', content: '' }]],
    ['text that looks like a header', 'Note: x\n', [{ kind: 'other', content: 'Note: x\n' }]],
  ])('%s', (_name, text, parts) => {
    expect(customDataParts(text)).toEqual(parts);
  });

  const multipart = (...parts: string[]): string =>
    `Content-Type: multipart/mixed; boundary="==b"\nMIME-Version: 1.0\n\n${parts
      .map((part) => `--==b\n${part}\n`)
      .join('')}--==b--\n`;

  test('multipart: each part by its type, in order', () => {
    const text = multipart(
      `Content-Type: text/cloud-boothook; charset="utf-8"\n\n${BOOTHOOK.trimEnd()}`,
      'Content-Type: text/x-shellscript\n\n#!/bin/sh\ntrue',
      'Content-Type: text/cloud-config\n\na: 1',
      'Content-Type: text/plain\n\n#!/bin/sh\nfalse',
    );
    expect(customDataParts(text)).toEqual([
      { kind: 'boothook', content: '#!/bin/sh\necho boot' },
      { kind: 'script', content: '#!/bin/sh\ntrue' },
      { kind: 'other', content: 'a: 1' },
      { kind: 'script', content: '#!/bin/sh\nfalse' },
    ]);
    expect(customDataParts(text.replaceAll('\n', '\r\n'))).toEqual(customDataParts(text));
  });

  test('multipart: base64 bodies are decoded', () => {
    const body = Buffer.from('#!/bin/sh\necho ü\n').toString('base64');
    const part = `Content-Type: text/x-shellscript\nContent-Transfer-Encoding: base64\n\n${body}`;
    expect(customDataParts(multipart(part))).toEqual([
      { kind: 'script', content: '#!/bin/sh\necho ü\n' },
    ]);
  });

  test('multipart within multipart, unquoted boundary', () => {
    const inner = multipart('Content-Type: text/x-shellscript\n\n#!/bin/sh');
    const text = `Content-Type: multipart/mixed; boundary=out\n\n--out\n${inner}\n--out--\n`;
    expect(customDataParts(text)).toEqual([{ kind: 'script', content: '#!/bin/sh' }]);
  });

  test('what is not base64 or too long is refused with the numbers', () => {
    expect(() => decodeCustomData('not base64!')).toThrow(/not base64/);
    expect(() => decodeCustomData('abc')).toThrow(/not base64/);
    const long = Buffer.alloc(65_536).toString('base64');
    expect(() => decodeCustomData(long)).toThrow('65536 bytes decoded, the limit is 65535');
    expect(decodeCustomData(Buffer.alloc(65_535).toString('base64'))).toHaveLength(65_535);
  });
});

const spec = {
  vmId: 'vm-0',
  kind: 'instance',
  label: 'x',
  hostname: 'web-0',
  vCPUs: 1,
  memoryMib: 1,
  osDisk: {
    diskId: 'disk-1',
    image: { layers: [], boot: { kernel: '', modules: '', release: '' }, osDiskSizeBytes: 1 },
    tags: {},
  },
  dataDisks: [],
  ports: [],
  egress: false,
  sshPublicKeys: [],
} satisfies VmSpec;

function seedOf(vm: VmSpec): Record<string, string> {
  const files = seedEntries(vm).flatMap((entry) =>
    entry.kind === 'file' ? [[entry.path, Buffer.from(entry.content).toString()]] : [],
  );
  return Object.fromEntries(files);
}

test('a plain VM is told its names and nothing of a way out', () => {
  expect(seedOf(spec)).toEqual({
    'seed/disk-id': 'disk-1\n',
    'seed/instance-id': 'vm-0/disk-1\n',
    'seed/mount-options': 'noatime\n',
    'seed/hostname': 'web-0\n',
    'seed/machine-id': expect.stringMatching(/^[0-9a-f]{32}\n$/),
  });
});

test('the machine-id belongs to one disk of one VM', () => {
  const idOf = (vm: VmSpec): string | undefined => seedOf(vm)['seed/machine-id'];
  expect(idOf(spec)).toBe(idOf({ ...spec, hostname: 'other' }));
  expect(idOf(spec)).not.toBe(idOf({ ...spec, vmId: 'vm-1' }));
  expect(idOf(spec)).not.toBe(idOf({ ...spec, osDisk: { ...spec.osDisk, diskId: 'disk-2' } }));
});

test('egress brings gateway and resolver; a build drops what it deletes', () => {
  expect(seedOf({ ...spec, egress: true, kind: 'build' })).toMatchObject({
    'seed/gateway': '10.0.2.2\n',
    'seed/nameserver': '10.0.2.3\n',
    'seed/mount-options': 'noatime,discard\n',
  });
});

test('admin, keys, customData as given and its parts ready to run', () => {
  const customData = Buffer.from('#cloud-boothook\necho boot\n').toString('base64');
  const seed = seedOf({
    ...spec,
    adminUsername: 'azureuser',
    sshPublicKeys: ['k1', 'k2'],
    ports: [22],
    customData,
  });
  expect(seed).toMatchObject({
    'seed/admin': 'azureuser\n',
    'seed/sshd': '1\n',
    'seed/authorized_keys': 'k1\nk2\n',
    'seed/custom-data': '#cloud-boothook\necho boot\n',
    'seed/boothooks/000': '#!/bin/sh\necho boot\n',
  });
});
