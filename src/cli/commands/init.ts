// `rollset init`: writes a first pipeline file, and never over one.
import { writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { CliContext } from '../context.ts';
import { CommandFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { parsePipeline } from '../pipeline/parse.ts';
import { openOutput } from '../session.ts';

type InitFlags = CommonFlags & { readonly name?: string };

export async function runInit(
  context: CliContext,
  flags: InitFlags,
  file = 'rollset.yaml',
): Promise<void> {
  const path = resolve(context.cwd, file);
  const name = flags.name ?? nameFrom(basename(dirname(path)));
  const text = firstPipeline(name);
  // A name that does not fit is told here, not at the first ship.
  parsePipeline(text, file);
  try {
    await writeFile(path, text, { flag: 'wx' });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EEXIST') {
      throw new CommandFailure(`${file} exists already and is left as it is: name another file`);
    }
    throw new CommandFailure(`${file} cannot be written: ${String(error)}`, { cause: error });
  }
  openOutput(flags, context).result({ file: path, name }, [
    `wrote ${file}: put your app's steps into it, then`,
    '  rollset up --detach    starts the control plane',
    '  rollset ship           bakes, publishes, rolls out',
  ]);
}

/** A folder's name made into one that resources may have. */
function nameFrom(folder: string): string {
  const name = folder
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, 30)
    .replace(/-+$/, '');
  return name.length < 2 ? 'app' : name;
}

/** Complete and commented; what is commented out is the default or a choice. Pure. */
export function firstPipeline(name: string): string {
  return `# yaml-language-server: $schema=./node_modules/rollset/schema/rollset.schema.json
name: ${name}                  # resource names derive from it
location: westeurope          # any Azure location; here a folder of image replicas

app:
  source: .                   # sent as one archive; .gitignore and .rollsetignore are honoured

image:
  base: debian-12             # or publisher:offer:sku:version, or the id of a gallery image
  customize:                  # run as root, in this order
    # - shell: [apt-get update, apt-get install -y --no-install-recommends python3]
    - file: { source: ., destination: /opt/${name} }
    # - shell:
    #     - install -m 0644 /opt/${name}/${name}.service /etc/systemd/system/
    #     - systemctl enable ${name}
  # validate:                 # in a fresh VM started from the finished image
  #   - shell: [systemctl is-enabled ${name}]

fleet:
  instances: 3
  vmSize: Standard_B1s
  port: 8080                  # the app's; the load balancer serves it
  health: { path: /healthz, interval: 5s, probes: 2 }
  # dataDisks: [{ lun: 0, size: 1GiB, mount: /var/lib/${name} }]
  # environment: { GREETING: hello }     # lines of /etc/rollset/environment

rollout:
  batch: 20%
  maxUnhealthy: 20%
  maxUnhealthyUpgraded: 20%
  pause: 0s
  healthTimeout: 5m           # a new version must be Healthy in this time, else it is undone
  drain: 30s                  # open connections may finish
  rollback: true

# targets:
#   local: { memory: 256MiB } # instead of what vmSize has
`;
}
