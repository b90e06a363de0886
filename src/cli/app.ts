// The commands, their flags and help. Implementations are loaded when run, so that --help is quick.
import { buildApplication, buildCommand, buildRouteMap } from '@stricli/core';
import type { Application } from '@stricli/core';
import type { CliContext } from './context.ts';
import { exitCodeOf } from './failure.ts';
import { errorTexts } from './error-texts.ts';
import { dataFlag, fleetFlags, outputFlags, serviceFlags } from './flags.ts';
import type { CommonFlags, FleetFlags } from './flags.ts';
import type { BakeFlags, ShipFlags } from './commands/ship.ts';
import type { UpFlags } from './commands/up.ts';

const text = (value: string) => value;

type Run<FLAGS, ARGS extends unknown[]> = (
  context: CliContext,
  flags: FLAGS,
  ...args: ARGS
) => Promise<void>;

/** Loads a command when it is run; commands take their context as an argument like any other. */
function lazily<FLAGS, ARGS extends unknown[]>(load: () => Promise<Run<FLAGS, ARGS>>) {
  return async () => {
    const run = await load();
    return function bound(this: CliContext, flags: FLAGS, ...args: ARGS) {
      return run(this, flags, ...args);
    };
  };
}

const fileArgument = {
  kind: 'tuple',
  parameters: [
    { brief: 'Pipeline file (rollset.yaml)', parse: text, placeholder: 'FILE', optional: true },
  ],
} as const;

const instanceArgument = {
  brief: 'Number or name: 3 or guestbook_3',
  parse: text,
  placeholder: 'INSTANCE',
} as const;

const bakeFlags = {
  version: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'X.Y.Z',
    brief: 'Version to make (highest + 1 patch; the first is 1.0.0)',
  },
  from: {
    kind: 'parsed',
    parse: text,
    default: 'base',
    placeholder: 'SOURCE',
    brief: 'What the bake starts from: base, previous (the latest version), or X.Y.Z',
  },
  tag: {
    kind: 'parsed',
    parse: text,
    variadic: true,
    optional: true,
    placeholder: 'KEY=VALUE',
    brief: 'Tag of the image version; may be repeated',
  },
} as const;

const up = buildCommand<UpFlags, [], CliContext>({
  loader: lazily(async () => (await import('./commands/up.ts')).runUp),
  parameters: {
    flags: {
      ...dataFlag,
      listen: {
        kind: 'parsed',
        parse: text,
        default: '127.0.0.1:8443',
        placeholder: 'HOST:PORT',
        brief: 'Where to serve; port 0 picks a free one',
      },
      engine: {
        kind: 'enum',
        values: ['qemu', 'simulated'],
        default: 'qemu',
        brief: 'Real VMs on QEMU, or simulated ones',
      },
      detach: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Start it in the background and return when it serves',
      },
      ...outputFlags,
    },
  },
  docs: {
    brief: 'Start the control plane',
    fullDescription: `Serves Azure Resource Manager over HTTPS and runs real VMs. VMs are processes of their own:
they outlive this one, and the next \`rollset up\` on the same data takes them over.
Ctrl-C stops the control plane only; \`rollset down\` stops the VMs too.
With --output json the first line on stdout is {endpoint, caBundle, tenantId, subscriptionId,
clientId, clientSecret, msiEndpoint, portal, data, pid}, also kept in DATA/connection.json.`,
  },
});

const down = buildCommand<CommonFlags & { data?: string }, [], CliContext>({
  loader: lazily(async () => (await import('./commands/down.ts')).runDown),
  parameters: { flags: { ...dataFlag, ...outputFlags } },
  docs: {
    brief: 'Stop the VMs gracefully, then the control plane',
    fullDescription:
      'All state and all disks stay; `rollset up` brings the fleet back with its data.',
  },
});

const ship = buildCommand<ShipFlags, [file?: string], CliContext>({
  loader: lazily(async () => (await import('./commands/ship.ts')).runShip),
  parameters: {
    positional: fileArgument,
    flags: {
      ...bakeFlags,
      target: {
        kind: 'enum',
        values: ['local', 'azure'],
        default: 'local',
        brief: 'Where to; azure with --dry-run only so far',
      },
      noWait: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Return when the version is published, without waiting for the fleet',
      },
      dryRun: {
        kind: 'boolean',
        default: false,
        withNegated: false,
        brief: 'Print the requests and the table of keys; send nothing',
      },
      ...serviceFlags,
    },
  },
  docs: {
    brief: 'Bake a version, publish it, and wait for the fleet',
    customUsage: ['[FILE]'],
    fullDescription: `Sends the sources, bakes an image, publishes it as a version. The scale set that follows the image
replaces the OS disks of its VMs batch by batch; a VM that does not become healthy gets its old disk back.
Exit code: 0 every instance is healthy on the version; 1 ended before any instance was touched (a failed
bake too); 2 rolled back or stopped; 3 contact lost, outcome unknown; 130 Ctrl-C: before publication it
cancels the bake, afterwards it leaves the roll-out to the control plane. It can always be run again.`,
  },
});

const bake = buildCommand<BakeFlags, [file?: string], CliContext>({
  loader: lazily(async () => (await import('./commands/bake.ts')).runBake),
  parameters: { positional: fileArgument, flags: { ...bakeFlags, ...serviceFlags } },
  docs: {
    brief: 'Bake a version and publish it only',
    customUsage: ['[FILE]'],
    fullDescription: `A fleet that follows the image takes the version by itself; \`rollset watch\` shows it.
The result with --output json: {version, seconds, steps: [{name, seconds, cached}], layerBytes, versionId}.`,
  },
});

const fleetCommand = (
  name: 'status' | 'watch' | 'history' | 'versions',
  docs: { brief: string; fullDescription: string },
) =>
  buildCommand<FleetFlags, [], CliContext>({
    loader: lazily(FLEET_LOADERS[name]),
    parameters: { flags: fleetFlags },
    docs,
  });

const FLEET_LOADERS = {
  status: async () => (await import('./commands/status.ts')).runStatus,
  watch: async () => (await import('./commands/watch.ts')).runWatch,
  history: async () => (await import('./commands/history.ts')).runHistory,
  versions: async () => (await import('./commands/versions.ts')).runVersions,
} as const;

const logs = buildCommand<FleetFlags & { unit?: string; lines: number }, [string], CliContext>({
  loader: lazily(async () => (await import('./commands/logs.ts')).runLogs),
  parameters: {
    positional: { kind: 'tuple', parameters: [instanceArgument] },
    flags: {
      unit: {
        kind: 'parsed',
        parse: text,
        optional: true,
        placeholder: 'UNIT',
        brief: "systemd unit (the scale set's name)",
      },
      lines: {
        kind: 'parsed',
        parse: (value) => {
          if (/^[1-9]\d{0,4}$/.test(value)) return Number(value);
          throw new Error('expected a whole number from 1 to 99999');
        },
        default: '100',
        placeholder: 'N',
        brief: 'How many lines, the last ones',
      },
      ...fleetFlags,
    },
  },
  docs: {
    brief: 'Show what the app of one VM said',
    fullDescription: "Reads the VM's journal: `journalctl -u UNIT`, run in the guest.",
  },
});

const consoleLog = buildCommand<FleetFlags, [string], CliContext>({
  loader: lazily(async () => (await import('./commands/console.ts')).runConsole),
  parameters: {
    positional: { kind: 'tuple', parameters: [instanceArgument] },
    flags: fleetFlags,
  },
  docs: {
    brief: 'Show the serial console of one VM',
    fullDescription: 'Works also when the guest does not boot: this is what its kernel printed.',
  },
});

const exec = buildCommand<FleetFlags, [string, ...string[]], CliContext>({
  loader: lazily(async () => (await import('./commands/exec.ts')).runExec),
  parameters: {
    positional: {
      kind: 'array',
      parameter: { brief: 'INSTANCE, then -- and the command', parse: text, placeholder: 'WORD' },
      minimum: 1,
    },
    flags: fleetFlags,
  },
  docs: {
    brief: 'Run a command in one VM',
    customUsage: ['INSTANCE -- COMMAND [ARGUMENT]...'],
    fullDescription: `Runs as root; each word arrives as it is (for pipes: -- sh -c 'a | b').
Ends with the exit code of the command. INSTANCE is a number or a name: 3 or guestbook_3.`,
  },
});

const env = buildCommand<CommonFlags & { data?: string; connection?: string }, [], CliContext>({
  loader: lazily(async () => (await import('./commands/env.ts')).runEnv),
  parameters: { flags: { ...dataFlag, connection: serviceFlags.connection, ...outputFlags } },
  docs: {
    brief: 'Print shell exports for other clients',
    fullDescription:
      'Use it so: eval "$(rollset env)". It prints the token: keep the output to yourself.',
  },
});

const init = buildCommand<CommonFlags & { name?: string }, [file?: string], CliContext>({
  loader: lazily(async () => (await import('./commands/init.ts')).runInit),
  parameters: {
    positional: fileArgument,
    flags: {
      name: {
        kind: 'parsed',
        parse: text,
        optional: true,
        placeholder: 'NAME',
        brief: "Name of the app (the folder's)",
      },
      ...outputFlags,
    },
  },
  docs: {
    brief: 'Write a first rollset.yaml',
    customUsage: ['[FILE]'],
    fullDescription: 'Every key with a comment. A file that exists is never overwritten.',
  },
});

const root = buildRouteMap({
  routes: {
    init,
    up,
    ship,
    bake,
    status: fleetCommand('status', {
      brief: 'Show the fleet now',
      fullDescription: 'One line per VM: power, health, version, balancer, and what it waits for.',
    }),
    watch: fleetCommand('watch', {
      brief: 'Show the fleet, live',
      fullDescription:
        'One line per batch and one cell per VM, redrawn as it changes; Ctrl-C ends it. Without a terminal: a line per change.',
    }),
    history: fleetCommand('history', {
      brief: 'Show past roll-outs',
      fullDescription:
        'What was tried on this fleet in the last two months, newest first, and how it ended.',
    }),
    versions: fleetCommand('versions', {
      brief: 'Show published versions',
      fullDescription: 'Which version the fleet follows, and for each other one why it does not.',
    }),
    logs,
    console: consoleLog,
    exec,
    env,
    down,
  },
  docs: {
    brief: 'Ship every version of an app as a VM image, and let the fleet upgrade itself.',
    fullDescription: `Ship every version of an app as a VM image, and let the fleet upgrade itself.

  rollset init          write a first rollset.yaml
  rollset up --detach   start the control plane
  rollset ship          bake, publish, roll out`,
  },
});

/** `debug`: errors with their stacks. */
export function buildApp(options: { version: string; debug: boolean }): Application<CliContext> {
  return buildApplication(root, {
    name: 'rollset',
    versionInfo: { currentVersion: options.version },
    scanner: { caseStyle: 'allow-kebab-for-camel', allowArgumentEscapeSequence: true },
    documentation: { caseStyle: 'convert-camel-to-kebab', onlyRequiredInUsageLine: true },
    determineExitCode: exitCodeOf,
    localization: { text: errorTexts(options.debug) },
  });
}
