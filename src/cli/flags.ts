// Flags that commands share, and what they mean. Imports nothing heavy: every start reads this.
import type { OutputFormat } from './terminal/output.ts';

export type CommonFlags = {
  readonly output: OutputFormat;
  readonly debug: boolean;
};

export type ServiceFlags = CommonFlags & {
  readonly data?: string;
  readonly endpoint?: string;
  readonly connection?: string;
};

export type FleetFlags = ServiceFlags & {
  readonly file?: string;
  readonly set?: string;
};

/** A parser that takes any text. */
export const text = (value: string) => value;

export const outputFlags = {
  output: {
    kind: 'enum',
    values: ['text', 'json'],
    default: 'text',
    brief: 'text for people, json for scripts (one result on the last line of stdout)',
  },
  debug: {
    kind: 'boolean',
    default: false,
    withNegated: false,
    brief: 'Show the stack of an error',
  },
} as const;

export const dataFlag = {
  data: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'DIR',
    brief: 'Data folder of the control plane (~/.rollset; as root /var/lib/rollset)',
  },
} as const;

export const serviceFlags = {
  ...dataFlag,
  endpoint: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'URL',
    brief: 'Another control plane; its credential from AZURE_* variables (see rollset env)',
  },
  connection: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'FILE',
    brief: 'Another control plane, by its connection.json',
  },
  ...outputFlags,
} as const;

export const fleetFlags = {
  file: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'FILE',
    brief: 'Pipeline file that names the scale set (rollset.yaml here, if there is one)',
  },
  set: {
    kind: 'parsed',
    parse: text,
    optional: true,
    placeholder: 'NAME',
    brief: 'Name of the scale set',
  },
  ...serviceFlags,
} as const;
