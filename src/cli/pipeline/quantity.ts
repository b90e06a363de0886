// Building blocks of the pipeline file's schema: quantities with units, and paths. Pure.
import { z } from 'zod';
import { UNITS, describeWrongUnit, formatDuration } from './units.ts';
import type { Unit } from './units.ts';

type Range = { readonly min: number; readonly max: number; readonly show: (n: number) => string };

export function quantity(unit: Unit, description: string, range?: Range) {
  const { pattern, example, parse } = UNITS[unit];
  return z
    .string({
      error: ({ input }) => (input === undefined ? undefined : describeWrongUnit(unit, input)),
    })
    .meta({ description, pattern, examples: [example] })
    .transform((text, context) => {
      const value: number | undefined = parse(text.trim());
      if (value === undefined) {
        context.addIssue({ code: 'custom', message: describeWrongUnit(unit, text) });
        return z.NEVER;
      }
      if (range !== undefined && (value < range.min || value > range.max)) {
        const message = `${text} is out of range: ${range.show(range.min)} to ${range.show(range.max)} are allowed`;
        context.addIssue({ code: 'custom', message });
        return z.NEVER;
      }
      return value;
    });
}

export const percent = (min: number, description: string) =>
  quantity('percent', description, { min, max: 100, show: (n) => `${n}%` });
export const duration = (minMs: number, maxMs: number, description: string) =>
  quantity('duration', description, { min: minMs, max: maxMs, show: formatDuration });

export const path = (description: string) => z.string().min(1).meta({ description });
export const absolutePath = (description: string) =>
  z
    .string()
    .regex(/^\/[^\0]*$/, 'is not an absolute path')
    .meta({ description });
