// The wire body of Microsoft.Network/loadBalancers, as far as a scale set needs it.
import { z } from 'zod';

const port = z.int().min(1).max(65_535);
const reference = z.looseObject({ id: z.string().min(1) });
const named = <T extends z.ZodRawShape>(properties: T) =>
  z.looseObject({
    name: z.string().min(1).max(80),
    properties: z.looseObject(properties).prefault({} as never),
  });

export const loadBalancerSchema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  sku: z.looseObject({ name: z.string() }).prefault({ name: 'Standard' }),
  properties: z
    .looseObject({
      frontendIPConfigurations: z
        .array(named({ privateIPAddress: z.string().optional() }))
        .default([]),
      backendAddressPools: z.array(named({})).default([]),
      probes: z
        .array(
          named({
            protocol: z.enum(['Http', 'Https', 'Tcp']),
            port,
            requestPath: z.string().optional(),
            intervalInSeconds: z.int().min(5).default(15),
            numberOfProbes: z.int().min(1).default(2),
          }),
        )
        .default([]),
      loadBalancingRules: z
        .array(
          named({
            protocol: z.enum(['Tcp', 'Udp', 'All']),
            frontendIPConfiguration: reference,
            backendAddressPool: reference.optional(),
            backendAddressPools: z.array(reference).optional(),
            probe: reference.optional(),
            frontendPort: port,
            backendPort: port,
          }),
        )
        .default([]),
      inboundNatRules: z.array(z.looseObject({})).default([]),
    })
    .prefault({}),
});
export type LoadBalancerBody = z.infer<typeof loadBalancerSchema>;

type Rule = LoadBalancerBody['properties']['loadBalancingRules'][number];

/** The backend pool of a rule; newer api-versions write a list of one. */
export function poolOf({ properties }: Rule): string | undefined {
  return properties.backendAddressPool?.id ?? properties.backendAddressPools?.[0]?.id;
}
