// What the demo reads from the command line and the control plane, parsed before it is believed.
import { z } from 'zod';

/** First line of `rollset up --output json`. */
export const Connection = z.looseObject({
  endpoint: z.url(),
  caBundle: z.string(),
  subscriptionId: z.string(),
  clientSecret: z.string(),
  data: z.string(),
  pid: z.number(),
});
export type Connection = z.infer<typeof Connection>;

/** Last line of `rollset ship --output json`; `upgrade` is absent when nothing was rolled out. */
export const ShipResult = z.looseObject({
  version: z.string(),
  seconds: z.number(),
  steps: z.array(z.looseObject({ name: z.string(), seconds: z.number() })),
  upgrade: z
    .looseObject({
      state: z.string(),
      seconds: z.number(),
      failedInstances: z.number(),
      rolledBackInstances: z.number(),
    })
    .optional(),
});
export type ShipResult = z.infer<typeof ShipResult>;

/** Last line of `rollset exec --output json`. */
export const ExecResult = z.looseObject({
  exitCode: z.number(),
  stdout: z.string(),
  stderr: z.string(),
});

const InstanceStatus = z.looseObject({
  instanceId: z.string(),
  name: z.string(),
  health: z.string(),
  version: z.string().optional(),
  balancer: z.string(),
});
export type InstanceStatus = z.infer<typeof InstanceStatus>;

/** `…/providers/Rollset.Fleet/status/current`. */
export const FleetStatus = z.looseObject({
  properties: z.looseObject({
    capacity: z.number(),
    instances: z.array(InstanceStatus),
    run: z
      .looseObject({
        state: z.string(),
        targetVersion: z.string(),
        startTime: z.string(),
        endTime: z.string().nullish(),
        instances: z.record(
          z.string(),
          z.looseObject({
            outcome: z.string(),
            batch: z.number(),
            startedAt: z.string(),
            endedAt: z.string().optional(),
            reason: z.string().optional(),
          }),
        ),
      })
      .optional(),
    frontends: z.array(z.looseObject({ address: z.string(), port: z.number() })),
  }),
});
export type FleetStatus = z.infer<typeof FleetStatus>['properties'];

/** `…/providers/Rollset.Fleet/swapReports`. */
export const SwapReports = z.looseObject({
  value: z.array(
    z.looseObject({
      properties: z.looseObject({
        instanceId: z.string(),
        kind: z.string(),
        toVersion: z.string(),
        startedAt: z.string(),
        drainedAt: z.string().nullish(),
        poweredOffAt: z.string().nullish(),
        bootedAt: z.string().nullish(),
        healthyAt: z.string().nullish(),
        endedAt: z.string().nullish(),
        dataDisksIdentical: z.boolean(),
      }),
    }),
  ),
});
export type SwapReport = z.infer<typeof SwapReports>['value'][number]['properties'];

/** Answers of the guestbook. */
export const VersionAnswer = z.object({ version: z.string(), instance: z.string() });
export const CreatedAnswer = z.object({ id: z.string(), instance: z.string() });
export const EntriesAnswer = z.object({
  instance: z.string(),
  entries: z.array(z.looseObject({ id: z.string(), text: z.string(), instance: z.string() })),
});
