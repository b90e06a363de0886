import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { JsonObject } from '../../model/resource.ts';
import { compileSteps } from './customizers.ts';
import { loadPipeline } from './load.ts';
import { SHOP_YAML } from './testing.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollset-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function load(image: string, more = '') {
  const file = join(folder, 'rollset.yaml');
  const yaml = SHOP_YAML.replace('  base: debian-12\n', `  base: debian-12\n${image}`);
  await writeFile(file, `${yaml}${more}`);
  return loadPipeline(file);
}

test('steps carry their sources by content, each sent once', async () => {
  await mkdir(join(folder, 'app'));
  await writeFile(join(folder, 'app', 'x'), 'x');
  await writeFile(join(folder, 'tool'), '#!/bin/sh\n');
  await chmod(join(folder, 'tool'), 0o755);
  const pipeline = await load(`  customize:
    - shell: apt-get update
    - file: { source: app, destination: /opt/shop }
    - file: { source: app, destination: /srv/it's }
    - file: { source: tool, destination: /usr/local/bin/ }
    - shell: { scriptFile: tool }
      name: set up
    - { type: Shell, inline: [whoami] }
`);
  expect(pipeline.blobs).toHaveLength(2);
  const [app, tool] = pipeline.blobs.map(({ sha256 }) => sha256.slice(0, 8));
  const compiled = compileSteps(pipeline.customize, ({ name }) => `https://blobs/${name}`);
  const show = (step: JsonObject) => {
    const { type, name, inline, destination } = step as Record<string, string>;
    return `${type} ${name}: ${inline ?? destination}`;
  };
  expect(compiled.map(show)).toEqual([
    "Shell apt-get update: sudo -H env DEBIAN_FRONTEND=noninteractive sh -ec 'apt-get update'",
    `File send app -> /opt/shop: /tmp/rollset-${app}.tar.gz`,
    `Shell app -> /opt/shop: sudo mkdir -p '/opt/shop' && sudo tar -xzf /tmp/rollset-${app}.tar.gz -C '/opt/shop' --no-same-owner && rm -f /tmp/rollset-${app}.tar.gz`,
    `File send app -> /srv/it's: /tmp/rollset-${app}.tar.gz`,
    `Shell app -> /srv/it's: sudo mkdir -p '/srv/it'\\''s' && sudo tar -xzf /tmp/rollset-${app}.tar.gz -C '/srv/it'\\''s' --no-same-owner && rm -f /tmp/rollset-${app}.tar.gz`,
    `File send tool -> /usr/local/bin/: /tmp/rollset-${tool}.file`,
    `Shell tool -> /usr/local/bin/: sudo install -D -m 0755 /tmp/rollset-${tool}.file '/usr/local/bin/tool' && rm -f /tmp/rollset-${tool}.file`,
    `File send set up: /tmp/rollset-${tool}.script`,
    `Shell set up: chmod 0755 /tmp/rollset-${tool}.script,sudo -H env DEBIAN_FRONTEND=noninteractive /tmp/rollset-${tool}.script,rm -f /tmp/rollset-${tool}.script`,
    'Shell Shell [5]: whoami',
  ]);
});

test.each([
  ['a missing app folder', '', 'app: { source: nowhere }\n', /app\.source: nowhere does not exist/],
  [
    'an app that is a file',
    '',
    'app: { source: rollset.yaml }\n',
    /app\.source: rollset\.yaml is no folder/,
  ],
  [
    'a missing file of a step',
    '  customize: [{ file: { source: gone, destination: /x } }]\n',
    '',
    /image\.customize\[0\]\.file\.source: gone does not exist/,
  ],
  [
    'a script that is none',
    '  customize: [{ shell: { scriptFile: rollset.yaml } }]\n',
    '',
    /scriptFile: rollset\.yaml is no script: it must begin with #!/,
  ],
])('%s is told with its field', async (_what, image, more, message) => {
  await expect(load(image, more)).rejects.toThrow(message);
});

test('a file that is not there is told with what to do', async () => {
  await expect(loadPipeline(join(folder, 'none.yaml'))).rejects.toThrow(
    /does not exist: write a first one with `rollset init`/,
  );
});
