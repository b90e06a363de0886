// For the health tests: results written as letters.
import type { ProbeResult } from './judge.ts';

/** `h` healthy, anything else unhealthy. */
export function resultOf(letter: string | undefined): ProbeResult {
  return letter === 'h'
    ? { healthy: true, reason: 'HTTP 200 from /' }
    : { healthy: false, reason: 'HTTP 503 from /' };
}
