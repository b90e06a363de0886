import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileCustomData, environmentFile } from './custom-data.ts';

const AWKWARD = {
  GREETING: 'it\'s "quoted" $HOME `id` \\ %s',
  EMPTY: '',
  TWO_LINES: 'one\n%s\\n',
  UNICODE: 'grüße',
};

test('without customData of the user it is one boothook', () => {
  const text = compileCustomData({ environment: { A: 'b' }, mounts: [] });
  expect(text).toBe(`#cloud-boothook
#!/bin/sh
# Written by rollset ship; runs early at every boot.
set -eu
umask 077
[ -d /etc/rollset ] || mkdir -p /etc/rollset
printf '%s' 'A="b"
' >/etc/rollset/environment
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

test('running the boothook writes the file, and again the same', async () => {
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
    `failed=0\nmount_data_disk 0 /var/lib/shop || failed=1\nmount_data_disk 3 '/srv/it'\\''s' || failed=1\nexit "$failed"\n`,
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

/** A guest of stubs: what was run, and how the script ended. `mounts`: how each mount ends. */
async function bootWith(guest: { mounts: number[]; blkid?: number; mounted?: string }) {
  const folder = await mkdtemp(join(tmpdir(), 'rollset-'));
  try {
    const log = join(folder, 'log');
    const stub = (name: string, body: string) =>
      writeFile(join(folder, name), `#!/bin/sh\necho ${name} "$@" >>${log}\n${body}\n`, {
        mode: 0o755,
      });
    await writeFile(join(folder, 'ends'), guest.mounts.join('\n'));
    await writeFile(join(folder, 'lun0'), '');
    await writeFile(join(folder, 'mounts'), `/dev/vdb ${guest.mounted ?? '/'} ext4 rw 0 0\n`);
    const ends = join(folder, 'ends');
    await stub('mount', `read -r end <${ends}; sed -i 1d ${ends}; exit "$end"`);
    await stub('blkid', `exit ${guest.blkid ?? 0}`);
    await stub('mkfs.ext4', 'exit 0');
    await stub('chattr', 'exit 0');
    const script = compileCustomData({ environment: {}, mounts: [{ lun: 0, mount: '/srv/data' }] })
      .replaceAll('/dev/disk/azure/scsi1', folder)
      .replaceAll('/etc/rollset', folder)
      .replace('/proc/mounts', join(folder, 'mounts'))
      .replace(
        'mount_data_disk 0 /srv/data',
        `mount_data_disk 0 ${guest.mounted ?? `${folder}/data`}`,
      )
      .replace('! -b', '! -e');
    const PATH = `${folder}:${process.env['PATH']}`;
    const { status } = spawnSync('sh', ['-c', script], { env: { PATH } });
    const ran = await readFile(log, 'utf8').catch(() => '');
    return {
      status,
      ran: ran
        .trim()
        .split('\n')
        .map((line) => line.split(' ')[0]),
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.each([
  ['a disk that mounts costs one process', { mounts: [0] }, 0, ['mount']],
  [
    'a blank disk is formatted, then mounted',
    { mounts: [32, 0], blkid: 2 },
    0,
    ['mount', 'blkid', 'mkfs.ext4', 'mount'],
  ],
  [
    'a disk that holds something is never formatted',
    { mounts: [32], blkid: 0 },
    1,
    ['mount', 'blkid', 'chattr'],
  ],
  ['nor one that cannot be told', { mounts: [32], blkid: 8 }, 1, ['mount', 'blkid', 'chattr']],
  ['a second run in one boot does nothing', { mounts: [], mounted: '/srv/data' }, 0, ['']],
])('%s', async (_what, guest, status, ran) => {
  expect(await bootWith(guest)).toEqual({ status, ran });
});
