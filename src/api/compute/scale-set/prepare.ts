// A PUT or PATCH of a scale set: rules, secrets aside, and the generation of its model.
import type { JsonObject } from '../../../model/resource.ts';
import type { PrepareContext, Prepared } from '../../arm/declaration.ts';
import { isObject } from '../../arm/merge.ts';
import { toJson } from '../../arm/put-resource.ts';
import { checkAutomaticOsUpgrade, checkHealthExtension } from './health-rules.ts';
import { checkImage } from './image-rules.ts';
import { checkOsProfile } from './os-profile-rules.ts';
import { checkModel, checkReferences } from './rules.ts';
import type { ScaleSetBody } from './schema.ts';
import { MEMORY_TAG } from './to-scale-set.ts';

type Context = PrepareContext<ScaleSetBody>;

export async function prepareScaleSet(context: Context): Promise<Prepared> {
  checkModel(context);
  checkOsProfile(context);
  checkHealthExtension(context);
  checkAutomaticOsUpgrade(context);
  await checkReferences(context);
  context.problems.throwIfAny();
  await checkImage(context);
  return split(context);
}

/**
 * Secrets go to `internal` and are kept when a body omits them; an empty customData removes it.
 * `internal.modelGeneration` is the generation in which the model of instances last changed: a
 * capacity change leaves `latestModelApplied` of every instance as it is.
 */
function split({ body, existing, name, ids }: Context): Prepared {
  const { customData, adminPassword, ...osProfile } =
    body.properties.virtualMachineProfile.osProfile;
  const before = existing?.body.internal ?? {};
  const secrets = {
    ...kept('customData', customData, before),
    ...kept('adminPassword', adminPassword, before),
  };
  const computerNamePrefix = osProfile.computerNamePrefix ?? name.slice(0, 9);
  const wire = toJson({
    ...body,
    properties: {
      ...body.properties,
      virtualMachineProfile: {
        ...body.properties.virtualMachineProfile,
        osProfile: { ...osProfile, computerNamePrefix },
      },
    },
  });
  const generation = (existing?.body.generation ?? 0) + 1;
  const same =
    existing !== undefined &&
    modelText(wire, secrets) === modelText(existing.body.body, secretsOf(before));
  const modelGeneration = same ? (before['modelGeneration'] ?? generation) : generation;
  const uniqueId = before['uniqueId'] ?? ids.uuid();
  return { body: wire, internal: { ...secrets, modelGeneration, uniqueId } };
}

function kept(key: string, given: string | undefined, before: JsonObject): JsonObject {
  const value = given ?? before[key];
  return value === undefined || value === '' ? {} : { [key]: value };
}

function secretsOf(internal: JsonObject): JsonObject {
  return {
    ...kept('customData', undefined, internal),
    ...kept('adminPassword', undefined, internal),
  };
}

/** What an instance is made of. Bodies are parsed by one schema, so equal models print equally. */
function modelText(body: JsonObject, secrets: JsonObject): string {
  const { properties, sku, tags } = body;
  const profile = isObject(properties) ? properties['virtualMachineProfile'] : undefined;
  const size = isObject(sku) ? sku['name'] : undefined;
  const memory = isObject(tags) ? (tags[MEMORY_TAG] ?? null) : null;
  return JSON.stringify(
    sortKeys({ profile: profile ?? null, size: size ?? null, memory, secrets }),
  );
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, child]) => [key, sortKeys(child)]));
}
