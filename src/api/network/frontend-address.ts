// Gives each frontend a loopback address of its own, for good: two fleets may both want port 8080.
import { createHash } from 'node:crypto';
import { AssertionError } from '../../support/assert.ts';

/** 127.77.0.0/16: loopback on every Linux, and in nobody's way. */
const NETWORK = '127.77';
const HOSTS = 256 * 254;

/**
 * The address that the frontend's id hashes to, or the next free one. Deterministic, so that a
 * frontend made again has the address it had.
 */
export function chooseAddress(frontendId: string, taken: ReadonlySet<string>): string {
  const first = createHash('sha256').update(frontendId.toLowerCase()).digest().readUInt32BE(0);
  for (let i = 0; i < HOSTS; i += 1) {
    const host = (first + i) % HOSTS;
    // The last part is 1..254: 0 and 255 name networks in some tools.
    const address = `${NETWORK}.${Math.floor(host / 254)}.${(host % 254) + 1}`;
    if (!taken.has(address)) return address;
  }
  throw new AssertionError(`all ${HOSTS} frontend addresses of ${NETWORK}.0.0/16 are taken`);
}
