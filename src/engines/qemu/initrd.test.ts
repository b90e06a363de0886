import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { cpioArchive } from './cpio.ts';
import { maskedPaths } from './guest/fast-profile.ts';
import { EGRESS_FILTER } from './guest/egress-filter.ts';
import { INIT_APPLETS, initScript } from './guest/init-script.ts';
import { loadOrder, staticEntries } from './initrd.ts';

const MODULES_DEP = `kernel/drivers/virtio/virtio.ko: kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/virtio/virtio_ring.ko:
kernel/net/core/failover.ko:
kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko
kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko kernel/drivers/virtio/virtio_ring.ko
`;

test('modules load after what they need, each once; built-in ones are skipped', () => {
  const order = loadOrder(MODULES_DEP, ['virtio_blk', 'virtio_net', 'built_in']).map((file) =>
    path.basename(file, '.ko'),
  );
  expect(order).toEqual([
    'virtio_ring',
    'virtio',
    'virtio_blk',
    'failover',
    'net_failover',
    'virtio_net',
  ]);
});

test('a module may be spelled with dashes', () => {
  expect(loadOrder('kernel/a/virtio-rng.ko:\n', ['virtio_rng'])).toEqual([
    'kernel/a/virtio-rng.ko',
  ]);
});

test('the archive is one that cpio reads, with modes and links', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rollset-cpio-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const archive = cpioArchive([
    { kind: 'folder', path: 'a', mode: 0o1777 },
    { kind: 'file', path: 'a/file', mode: 0o640, content: Buffer.from('hello') },
    { kind: 'link', path: 'a/link', target: 'file' },
  ]);
  expect(archive.length % 512).toBe(0);
  writeFileSync(path.join(folder, 'x.cpio'), archive);
  const script =
    'busybox cpio -i <x.cpio 2>/dev/null; stat -c "%n %a %F" a a/file a/link; cat a/link';
  expect(execFileSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8' })).toBe(
    'a 1777 directory\na/file 640 regular file\na/link 777 symbolic link\nhello',
  );
});

test('the first program of a guest is a script that the shell understands', () => {
  execFileSync('busybox', ['sh', '-n'], { input: initScript() });
  const applets = execFileSync('busybox', ['--list'], { encoding: 'utf8' }).split('\n');
  expect(INIT_APPLETS.filter((name) => !applets.includes(name))).toEqual([]);
});

test('the egress filter is a program that Node understands', () => {
  execFileSync(process.execPath, ['--check', '-'], { input: EGRESS_FILTER });
});

test('nothing is masked twice, and every parent comes before its children', () => {
  const names = maskedPaths().map((each) => each.join('/'));
  expect(new Set(names).size).toBe(names.length);
  const seen = new Set<string>(['.']);
  for (const entry of staticEntries(Buffer.alloc(0))) {
    expect(seen, entry.path).toContain(path.dirname(entry.path));
    if (entry.kind === 'folder') seen.add(entry.path);
  }
});
