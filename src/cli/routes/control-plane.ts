// up, down, env and init: their flags and help.
import { buildCommand } from '@stricli/core';
import type { UpFlags } from '../commands/up.ts';
import type { CliContext } from '../context.ts';
import { dataFlag, outputFlags, serviceFlags, text } from '../flags.ts';
import type { CommonFlags } from '../flags.ts';
import { fileArgument } from './arguments.ts';
import { lazily } from './lazily.ts';

export const up = buildCommand<UpFlags, [], CliContext>({
  loader: lazily(async () => (await import('../commands/up.ts')).runUp),
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

export const down = buildCommand<CommonFlags & { data?: string }, [], CliContext>({
  loader: lazily(async () => (await import('../commands/down.ts')).runDown),
  parameters: { flags: { ...dataFlag, ...outputFlags } },
  docs: {
    brief: 'Stop the VMs gracefully, then the control plane',
    fullDescription:
      'All state and all disks stay; `rollset up` brings the fleet back with its data.',
  },
});

export const env = buildCommand<
  CommonFlags & { data?: string; connection?: string },
  [],
  CliContext
>({
  loader: lazily(async () => (await import('../commands/env.ts')).runEnv),
  parameters: { flags: { ...dataFlag, connection: serviceFlags.connection, ...outputFlags } },
  docs: {
    brief: 'Print shell exports for other clients',
    fullDescription:
      'Use it so: eval "$(rollset env)". It prints the token: keep the output to yourself.',
  },
});

export const init = buildCommand<CommonFlags & { name?: string }, [file?: string], CliContext>({
  loader: lazily(async () => (await import('../commands/init.ts')).runInit),
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
