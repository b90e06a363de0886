// Random names as a port, so that simulations and goldens have stable ones.
import { randomBytes, randomUUID } from 'node:crypto';

export interface Ids {
  uuid(): string;
  /** `length` characters of [a-z0-9], beginning with a letter. */
  short(length: number): string;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz';
const ALPHABET = `${LETTERS}0123456789`;

export const randomIds: Ids = {
  uuid: () => randomUUID(),
  short: (length) =>
    Array.from(randomBytes(length), (byte, i) => {
      const from = i === 0 ? LETTERS : ALPHABET;
      return from[byte % from.length];
    }).join(''),
};
