// Finds the Application Health extension in a scale set's model and reads its settings. Pure.
import type { HealthProbe } from '../../../model/scale-set.ts';
import { healthSettingsSchema } from './schema.ts';
import type { ScaleSetBody } from './schema.ts';

export type Extension = NonNullable<
  ScaleSetBody['properties']['virtualMachineProfile']['extensionProfile']
>['extensions'][number];

export function isHealthExtension(extension: Extension): boolean {
  const { publisher, type } = extension.properties;
  return (
    publisher.toLowerCase() === 'microsoft.managedservices' &&
    /^applicationhealth(linux|windows)$/i.test(type)
  );
}

export function findHealthExtension(body: ScaleSetBody): Extension | undefined {
  const { extensionProfile } = body.properties.virtualMachineProfile;
  return extensionProfile?.extensions.find(isHealthExtension);
}

/** The probe of a validated body; undefined without the extension. */
export function toHealthProbe(body: ScaleSetBody): HealthProbe | undefined {
  const extension = findHealthExtension(body);
  if (extension === undefined) return undefined;
  const settings = healthSettingsSchema.parse(extension.properties.settings ?? {});
  const { protocol } = settings;
  return {
    protocol,
    // The extension's own defaults: 80 for http, 443 for https; tcp always names its port.
    port: settings.port ?? (protocol === 'https' ? 443 : 80),
    ...(protocol === 'tcp' ? {} : { requestPath: settings.requestPath ?? '/' }),
    intervalMs: settings.intervalInSeconds * 1000,
    numberOfProbes: settings.numberOfProbes,
  };
}
