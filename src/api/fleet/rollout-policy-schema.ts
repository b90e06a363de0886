// `Rollset.Fleet/rolloutPolicies/default`: what Azure fixes or lacks. Wire body and conversion.
import { z } from 'zod';
import type { ResourceRow } from '../../model/resource.ts';
import type { RolloutPolicy } from '../../model/scale-set.ts';
import { parseIsoDuration } from '../arm/iso-duration.ts';

const durationBetween = (minimumMs: number, maximumMs: number, range: string) =>
  z.string().refine((text) => {
    const ms = parseIsoDuration(text);
    return ms !== undefined && ms >= minimumMs && ms <= maximumMs;
  }, `expected an ISO 8601 duration of ${range}`);

export const rolloutPolicySchema = z.looseObject({
  properties: z
    .looseObject({
      // Azure waits five minutes for an upgraded instance to become healthy; it is the default.
      healthTimeout: durationBetween(5000, 7_200_000, '5 seconds to 2 hours').default('PT5M'),
      drain: durationBetween(0, 3_600_000, '0 seconds to 1 hour').default('PT30S'),
    })
    .prefault({}),
});

/** The policy of a set without a row is the default one. */
export function toRolloutPolicy(row: ResourceRow | undefined): RolloutPolicy {
  const { properties } = rolloutPolicySchema.parse(row?.body ?? {});
  return {
    healthTimeoutMs: parseIsoDuration(properties.healthTimeout) ?? 0,
    drainMs: parseIsoDuration(properties.drain) ?? 0,
  };
}
