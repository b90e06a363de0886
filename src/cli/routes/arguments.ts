// Positional arguments that several commands take.
import { text } from '../flags.ts';

export const fileArgument = {
  kind: 'tuple',
  parameters: [
    { brief: 'Pipeline file (rollset.yaml)', parse: text, placeholder: 'FILE', optional: true },
  ],
} as const;

export const instanceArgument = {
  brief: 'Number or name: 3 or guestbook_3',
  parse: text,
  placeholder: 'INSTANCE',
} as const;
