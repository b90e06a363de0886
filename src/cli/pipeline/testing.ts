// A small pipeline for tests, without a disk.
import type { CompileContext } from './compile.ts';
import { toBlob } from './archive.ts';
import { parseBase } from './image-source.ts';
import type { Pipeline } from './load.ts';
import { parsePipeline } from './parse.ts';

export const SHOP_YAML = `name: shop
location: southeastasia
image:
  base: debian-12
fleet:
  instances: 5
  port: 8080
  health: { path: /healthz, interval: 5s, probes: 2 }
  dataDisks: [{ lun: 0, size: 1GiB, mount: /var/lib/shop }]
  environment: { GREETING: hello }
rollout:
  batch: 20%
  pause: 1m30s
  healthTimeout: 20s
targets:
  local: { memory: 256MiB }
`;

export function shopPipeline(text = SHOP_YAML): Pipeline {
  const archive = toBlob(Buffer.from('the app, packed'), '.tar.gz');
  return {
    file: parsePipeline(text, 'rollset.yaml'),
    customize: [
      { kind: 'commands', name: 'packages', lines: ['apt-get update', "echo 'it''s done'"] },
      { kind: 'folder', name: 'app -> /opt/shop', blob: archive, destination: '/opt/shop' },
    ],
    validate: [{ kind: 'commands', name: 'enabled', lines: ['systemctl is-enabled shop'] }],
    blobs: [archive],
  };
}

export function shopContext(changes: Partial<CompileContext> = {}): CompileContext {
  return {
    subscriptionId: '5b8e0000-0000-4000-8000-000000000001',
    resourceGroup: 'shop-rg',
    blobEndpoint: 'https://127.0.0.1:8443/shop0000000000/',
    readToken: 'sig=secret',
    version: '1.0.0',
    source: parseBase('debian-12', 'rollset.yaml'),
    artifactTags: {},
    hasFleetProvider: true,
    ...changes,
  };
}
