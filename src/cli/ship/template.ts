// Makes sure that the image template is there, also after a ship that was cut off half-way.
import { z } from 'zod';
import type { JsonObject } from '../../model/resource.ts';
import type { Clock } from '../../support/clock.ts';
import type { ArmClient, Operation } from '../client/arm-client.ts';
import { ArmRequestError } from '../client/errors.ts';
import { CommandFailure } from '../failure.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';
import type { ArmRequest } from '../pipeline/arm-request.ts';
import type { Interrupt } from './interrupt.ts';
import { CANCEL_WAIT_MS, SUBMISSION_WAIT_MS } from './limits.ts';

const templateSchema = z.looseObject({
  properties: z.looseObject({
    provisioningState: z.string(),
    provisioningError: z.looseObject({ message: z.string() }).nullish(),
    lastRunStatus: z.looseObject({ runState: z.string(), message: z.string().nullish() }).nullish(),
  }),
});
type Template = z.infer<typeof templateSchema>;

type Parts = { readonly arm: ArmClient; readonly clock: Clock; readonly interrupt: Interrupt };

/**
 * Templates are named by their content, so one that is there is this one: it is used when it is
 * whole, waited for while it is being made, and replaced when making it failed.
 */
export async function ensureTemplate(request: ArmRequest, parts: Parts): Promise<void> {
  const { arm, interrupt } = parts;
  const found = await settled(request.path, parts);
  if (found?.properties.provisioningState === 'Succeeded') return;
  if (found !== undefined) {
    await arm.run({ method: 'DELETE', path: request.path, apiVersion: request.apiVersion });
  }
  await arm.run(request, interrupt.signal);
}

/** Starts the bake, or follows the one that a cut-off ship left running. */
export async function beginRun(
  request: ArmRequest,
  parts: Parts,
): Promise<Pick<Operation, 'poll'>> {
  const { arm, clock, interrupt } = parts;
  const templatePath = request.path.replace(/\/run$/, '');
  const until = clock.now() + CANCEL_WAIT_MS;
  for (;;) {
    const { lastRunStatus } = (await readTemplate(arm, templatePath)).properties;
    if (lastRunStatus?.runState === 'Running') return { poll: () => pollRun(arm, templatePath) };
    // A cancel in flight: after the wait the service itself says why it refuses.
    if (lastRunStatus?.runState !== 'Canceling' || clock.now() >= until) return arm.begin(request);
    await arm.pause(interrupt.signal);
  }
}

async function pollRun(arm: ArmClient, path: string) {
  const { lastRunStatus } = (await readTemplate(arm, path)).properties;
  const state = lastRunStatus?.runState ?? 'Failed';
  if (state === 'Running' || state === 'Canceling') return { status: 'InProgress' } as const;
  if (state === 'Succeeded') return { status: 'Succeeded' } as const;
  const message = lastRunStatus?.message || `the run ended as ${state}`;
  const error = new ArmRequestError({ code: `Run${state}`, message, status: 200 });
  return { status: state === 'Canceled' ? 'Canceled' : 'Failed', error } as const;
}

/** The template once it is no longer in the making; undefined when there is none. */
async function settled(path: string, parts: Parts): Promise<Template | undefined> {
  const { arm, clock, interrupt } = parts;
  const until = clock.now() + SUBMISSION_WAIT_MS;
  for (;;) {
    const body = await arm.find(path, API_VERSIONS.imageTemplate);
    const template = body === undefined ? undefined : templateSchema.parse(body);
    const state = template?.properties.provisioningState ?? '';
    if (!['Creating', 'Updating', 'Deleting'].includes(state)) return template;
    if (clock.now() >= until) {
      throw new CommandFailure(`the image template ${path} has been ${state} for too long`);
    }
    await arm.pause(interrupt.signal);
  }
}

async function readTemplate(arm: ArmClient, path: string): Promise<Template> {
  const body: JsonObject = await arm.get(path, API_VERSIONS.imageTemplate);
  return templateSchema.parse(body);
}
