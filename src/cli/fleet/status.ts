// `Rollset.Fleet/status/current` of a scale set: everything about a fleet in one document. Pure.
//
// Unknown fields are let through: an older client may read a newer control plane.
import { z } from 'zod';
import type { JsonObject } from '../../model/resource.ts';

const instanceSchema = z.looseObject({
  instanceId: z.string(),
  name: z.string(),
  /** `deleted`: on its way out, no longer counted. */
  wanted: z.string().default('present'),
  power: z.string(),
  health: z.string(),
  healthReason: z.string().default(''),
  healthSince: z.string().nullish(),
  version: z.string().nullish(),
  wantedVersion: z.string().nullish(),
  diskId: z.string().nullish(),
  balancer: z.string().default('none'),
  waitingFor: z.string().default(''),
  latestModelApplied: z.boolean().nullish(),
});

const runSchema = z.looseObject({
  runId: z.string(),
  state: z.string(),
  targetVersion: z.string(),
  reason: z.string().default(''),
  batches: z
    .array(
      z.looseObject({
        number: z.int(),
        instanceIds: z.array(z.string()),
        startedAt: z.string(),
        endedAt: z.string().nullish(),
      }),
    )
    .default([]),
  instances: z
    .record(
      z.string(),
      z.looseObject({
        outcome: z.string(),
        batch: z.int(),
        fromVersion: z.string().nullish(),
        startedAt: z.string().nullish(),
        endedAt: z.string().nullish(),
        reason: z.string().nullish(),
      }),
    )
    .default({}),
  pendingInstanceIds: z.array(z.string()).default([]),
  startTime: z.string(),
  endTime: z.string().nullish(),
  startedBy: z.string().nullish(),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullish(),
});

const versionsSchema = z.looseObject({
  latest: z.string().nullish(),
  losers: z
    .array(z.looseObject({ name: z.string(), why: z.string(), sentence: z.string() }))
    .default([]),
});

const statusSchema = z.looseObject({
  capacity: z.int(),
  instances: z.array(instanceSchema).default([]),
  run: runSchema.nullish(),
  versions: versionsSchema.prefault({}),
  frontends: z
    .array(z.looseObject({ address: z.string(), port: z.int(), mode: z.string().default('http') }))
    .default([]),
});

export type FleetStatus = z.infer<typeof statusSchema>;
export type InstanceState = FleetStatus['instances'][number];
export type UpgradeRun = NonNullable<FleetStatus['run']>;

/** Those that the fleet is to have; instances being deleted are not among them. */
export function presentInstances(status: FleetStatus): InstanceState[] {
  return status.instances.filter(({ wanted }) => wanted !== 'deleted');
}

/** Reads the body of the GET, or of its `properties` alone. */
export function parseFleetStatus(body: JsonObject): FleetStatus {
  const status = statusSchema.parse(body['properties'] ?? body);
  const byId = (a: InstanceState, b: InstanceState) =>
    a.instanceId.localeCompare(b.instanceId, 'en', { numeric: true });
  return { ...status, instances: status.instances.toSorted(byId) };
}
