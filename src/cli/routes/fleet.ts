// Commands about a fleet and its VMs: their flags and help.
import { buildCommand } from '@stricli/core';
import type { CliContext } from '../context.ts';
import { fleetFlags, text } from '../flags.ts';
import type { FleetFlags } from '../flags.ts';
import { instanceArgument } from './arguments.ts';
import { lazily } from './lazily.ts';

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
  status: async () => (await import('../commands/status.ts')).runStatus,
  watch: async () => (await import('../commands/watch.ts')).runWatch,
  history: async () => (await import('../commands/history.ts')).runHistory,
  versions: async () => (await import('../commands/versions.ts')).runVersions,
} as const;

export const status = fleetCommand('status', {
  brief: 'Show the fleet now',
  fullDescription: 'One line per VM: power, health, version, balancer, and what it waits for.',
});

export const watch = fleetCommand('watch', {
  brief: 'Show the fleet, live',
  fullDescription:
    'One line per batch and one cell per VM, redrawn as it changes; Ctrl-C ends it. Without a terminal: a line per change.',
});

export const history = fleetCommand('history', {
  brief: 'Show past roll-outs',
  fullDescription:
    'What was tried on this fleet in the last two months, newest first, and how it ended.',
});

export const versions = fleetCommand('versions', {
  brief: 'Show published versions',
  fullDescription: 'Which version the fleet follows, and for each other one why it does not.',
});

export const logs = buildCommand<
  FleetFlags & { unit?: string; lines: number },
  [string],
  CliContext
>({
  loader: lazily(async () => (await import('../commands/logs.ts')).runLogs),
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

export const consoleLog = buildCommand<FleetFlags, [string], CliContext>({
  loader: lazily(async () => (await import('../commands/console.ts')).runConsole),
  parameters: {
    positional: { kind: 'tuple', parameters: [instanceArgument] },
    flags: fleetFlags,
  },
  docs: {
    brief: 'Show the serial console of one VM',
    fullDescription: 'Works also when the guest does not boot: this is what its kernel printed.',
  },
});

export const exec = buildCommand<FleetFlags, [string, ...string[]], CliContext>({
  loader: lazily(async () => (await import('../commands/exec.ts')).runExec),
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
