// Colours, or none: one place decides. Pure.
import { styleText } from 'node:util';

export type Colour = 'green' | 'red' | 'yellow' | 'cyan' | 'dim' | 'bold' | 'magenta';
/** Paints text for a terminal, or leaves it as it is. */
export type Paint = (colour: Colour, text: string) => string;

export const plain: Paint = (_colour, text) => text;
export const coloured: Paint = (colour, text) => styleText(colour, text, { validateStream: false });

/** https://no-color.org; FORCE_COLOR wins for people who pipe into a pager. */
export function choosePaint(isTty: boolean, env: Readonly<Partial<Record<string, string>>>): Paint {
  if (env['FORCE_COLOR'] !== undefined && env['FORCE_COLOR'] !== '0') return coloured;
  return isTty && !env['NO_COLOR'] ? coloured : plain;
}

/** Width on the screen of text that may hold colour codes (no wide characters are used). */
export function visibleLength(text: string): number {
  return stripColours(text).length;
}

export function stripColours(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the escape character is what we look for
  return text.replace(/\u001b\[[0-9;]*m/g, '');
}
