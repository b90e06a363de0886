// ship and bake: their flags and help.
import { buildCommand } from '@stricli/core';
import type { BakeFlags, ShipFlags } from '../commands/ship.ts';
import type { CliContext } from '../context.ts';
import { serviceFlags, text } from '../flags.ts';
import { fileArgument } from './arguments.ts';
import { lazily } from './lazily.ts';

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

export const ship = buildCommand<ShipFlags, [file?: string], CliContext>({
  loader: lazily(async () => (await import('../commands/ship.ts')).runShip),
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

export const bake = buildCommand<BakeFlags, [file?: string], CliContext>({
  loader: lazily(async () => (await import('../commands/bake.ts')).runBake),
  parameters: { positional: fileArgument, flags: { ...bakeFlags, ...serviceFlags } },
  docs: {
    brief: 'Bake a version and publish it only',
    customUsage: ['[FILE]'],
    fullDescription: `A fleet that follows the image takes the version by itself; \`rollset watch\` shows it.
The result with --output json: {version, seconds, steps: [{name, seconds, cached}], layerBytes, versionId}.`,
  },
});
