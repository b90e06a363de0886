// A tracked resource's location: required, an Azure region by its form, and never changed. Pure.
import { foldLocation } from '../../model/location.ts';
import type { JsonObject } from '../../model/resource.ts';
import type { Stored } from '../../store/store.ts';
import { ArmError } from './arm-error.ts';
import type { Target } from './arm-request.ts';

/** Writes the spelling of the first PUT into `body`. */
export function checkLocation(
  body: JsonObject,
  target: Target,
  existing: Stored<'resource'> | undefined,
): void {
  const before = existing?.body.body['location'];
  const location = body['location'] ?? before;
  if (typeof location !== 'string' || location.trim() === '') {
    throw new ArmError(
      400,
      'LocationRequired',
      "The location property is required for this definition: give 'location' an Azure region, as 'westus'.",
      { target: 'location' },
    );
  }
  if (!/^[A-Za-z0-9 ]{1,64}$/.test(location)) {
    throw new ArmError(
      400,
      'LocationNotAvailableForResourceType',
      `The provided location '${location.slice(0, 64)}' is not an Azure region: letters, digits and spaces only.`,
      { target: 'location' },
    );
  }
  if (typeof before === 'string') {
    if (foldLocation(before) !== foldLocation(location))
      throw locationTaken(target, before, location);
    body['location'] = before;
  }
}

function locationTaken(target: Target, before: string, location: string): ArmError {
  return new ArmError(
    409,
    'InvalidResourceLocation',
    `The resource '${target.name}' already exists in location '${before}'. A resource with the same name cannot be created in location '${location}'. Please select a new resource name.`,
    { target: 'location' },
  );
}
