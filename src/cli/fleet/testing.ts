// Draws fleets for tests: one word an instance.
import { parseFleetStatus } from './status.ts';
import type { FleetStatus } from './status.ts';
import type { Json, JsonObject } from '../../model/resource.ts';

const WORDS: Readonly<Record<string, JsonObject>> = {
  old: { version: '1.0.0' },
  draining: { version: '1.0.0', balancer: 'draining', waitingFor: 'Open connections.' },
  off: { version: '1.0.0', power: 'stopped', health: 'Unknown', waitingFor: 'Its new OS disk.' },
  booting: { version: '1.1.0', health: 'Unknown', power: 'starting', waitingFor: 'Its OS.' },
  healthy: { version: '1.1.0' },
  unhealthy: { version: '1.1.0', health: 'Unhealthy', healthReason: 'HTTP 503 from /healthz' },
};

/** `words`: one of old, draining, off, booting, healthy, unhealthy for each instance, in order. */
export function fleet(words: string, rest: JsonObject = {}): FleetStatus {
  const instances = words.split(' ').map(
    (word, index): Json => ({
      instanceId: String(index),
      name: `shop_${index}`,
      power: 'running',
      health: 'Healthy',
      diskId: `os-${index}-${word === 'old' || word === 'draining' ? 'a' : 'b'}`,
      balancer: 'ready',
      ...WORDS[word],
    }),
  );
  return parseFleetStatus({
    properties: {
      capacity: instances.length,
      instances,
      versions: { latest: '1.1.0' },
      frontends: [{ address: '127.77.0.2', port: 8080, mode: 'http' }],
      ...rest,
    },
  });
}

/** A run to 1.1.0 that began at 12:00:00. `outcomes` by instance id, each in a batch of its own. */
export function run(state: string, outcomes: readonly string[], rest: JsonObject = {}): JsonObject {
  return {
    run: {
      runId: 'run-1',
      state,
      targetVersion: '1.1.0',
      reason: 'Batch 2 waits for health.',
      startTime: '2026-03-02T12:00:00.000Z',
      batches: outcomes.map((outcome, index) => ({
        number: index + 1,
        instanceIds: [String(index)],
        startedAt: `2026-03-02T12:00:0${index}.000Z`,
        ...(outcome === 'upgrading' || outcome === 'restoring'
          ? {}
          : { endedAt: `2026-03-02T12:00:0${index + 1}.000Z` }),
      })),
      instances: Object.fromEntries(
        outcomes.map((outcome, index) => [
          String(index),
          {
            outcome,
            batch: index + 1,
            fromVersion: '1.0.0',
            ...(outcome === 'restored' ? { reason: 'not Healthy in 20 s' } : {}),
          },
        ]),
      ),
      ...rest,
    },
  };
}

export const NOON = Date.parse('2026-03-02T12:00:00.000Z');
