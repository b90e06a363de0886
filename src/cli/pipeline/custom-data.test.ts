import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileCustomData, environmentFile } from './custom-data.ts';

const AWKWARD = {
  GREETING: 'it\'s "quoted" $HOME `id` \\ %s',
  EMPTY: '',
  TWO_LINES: 'one\nROLLSET_ENVIRONMENT',
  UNICODE: 'grüße',
};

test('without customData of the user it is one boothook', () => {
  const text = compileCustomData({ environment: { A: 'b' }, mounts: [] });
  expect(text).toBe(`#cloud-boothook
#!/bin/sh
# Written by rollset ship; runs early at every boot.
set -eu
mkdir -p /etc/rollset
umask 077
cat > /etc/rollset/environment.new <<'ROLLSET_ENVIRONMENT'
A="b"
ROLLSET_ENVIRONMENT
mv -f /etc/rollset/environment.new /etc/rollset/environment
umask 022
`);
});

test('the order of keys does not change it', () => {
  const one = compileCustomData({ environment: { A: '1', B: '2' }, mounts: [] });
  expect(compileCustomData({ environment: { B: '2', A: '1' }, mounts: [] })).toBe(one);
});

test('a shell that reads the environment file gets every value as it was', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollset-'));
  try {
    const file = join(folder, 'environment');
    await writeFile(file, environmentFile(AWKWARD));
    for (const [key, value] of Object.entries(AWKWARD)) {
      const script = `. '${file}'; printf '%s' "$${key}"`;
      expect(execFileSync('sh', ['-c', script]).toString()).toBe(value);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('running the boothook writes the file, also when a value looks like its end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rollset-'));
  try {
    const script = compileCustomData({ environment: AWKWARD, mounts: [] });
    const moved = script.replaceAll('/etc/rollset', folder);
    execFileSync('sh', ['-c', moved]);
    execFileSync('sh', ['-c', moved]);
    expect(await readFile(join(folder, 'environment'), 'utf8')).toBe(environmentFile(AWKWARD));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('each data disk is mounted in the order of luns, its path quoted', () => {
  const mounts = [
    { lun: 3, mount: "/srv/it's" },
    { lun: 0, mount: '/var/lib/shop' },
  ];
  const text = compileCustomData({ environment: {}, mounts });
  expect(text.slice(text.lastIndexOf('}\n') + 2)).toBe(
    `mount_data_disk 0 /var/lib/shop\nmount_data_disk 3 '/srv/it'\\''s'\n`,
  );
  execFileSync('sh', ['-n', '-c', text]);
});

test.each([
  ['#!/bin/sh\necho hi\n', 'text/x-shellscript'],
  ['#cloud-config\npackages: [jq]', 'text/cloud-config'],
  ['just text', 'text/plain'],
])('customData %j becomes a part of type %s beside ours', (customData, type) => {
  const text = compileCustomData({ environment: { A: 'b' }, mounts: [], customData });
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? '';
  const parts = text.split(`--${boundary}`);
  expect(parts).toHaveLength(4);
  expect(parts[1]).toContain('Content-Type: text/cloud-boothook');
  expect(parts[1]).toContain('\n\n#!/bin/sh\n');
  expect(parts[2]).toContain(`Content-Type: ${type}`);
  expect(parts[2]?.trimEnd().endsWith(customData.trimEnd())).toBe(true);
  expect(parts[3]).toBe('--\n');
});

test('what a VM cannot be given is refused with the numbers', () => {
  const customData = 'x'.repeat(66_000);
  expect(() => compileCustomData({ environment: {}, mounts: [], customData })).toThrow(
    /together take \d+ bytes, more than the 65535/,
  );
});
