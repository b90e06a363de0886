// Rules for the source of health and for automatic OS upgrades, with Azure's sentences.
import { parseGalleryImageId } from '../../../model/gallery-image-id.ts';
import type { PrepareContext } from '../../arm/declaration.ts';
import { findHealthExtension, isHealthExtension } from './health-probe.ts';
import { healthSettingsSchema } from './schema.ts';
import type { ScaleSetBody } from './schema.ts';

type Context = PrepareContext<ScaleSetBody>;
const EXTENSIONS = 'properties.virtualMachineProfile.extensionProfile.extensions';

/** Only the Application Health extension 1.0 for Linux has a meaning here. */
export function checkHealthExtension(context: Context): void {
  const { body, problems } = context;
  const extensions = body.properties.virtualMachineProfile.extensionProfile?.extensions ?? [];
  for (const [i, extension] of extensions.entries()) {
    const at = `${EXTENSIONS}[${i}]`;
    const { publisher, type, typeHandlerVersion = '1.0' } = extension.properties;
    if (!isHealthExtension(extension)) {
      problems.add(
        at,
        `${at} (${publisher}/${type}) is not supported yet by this control plane. Bake what it does into the image, or use customData.`,
      );
    } else if (!/linux$/i.test(type)) {
      problems.add(
        at,
        `${at} (${type}) is not supported yet by this control plane. Guests are Linux: use ApplicationHealthLinux.`,
      );
    } else if (!/^1(\.\d+)*$/.test(typeHandlerVersion)) {
      problems.add(
        `${at}.properties.typeHandlerVersion`,
        `${at}.properties.typeHandlerVersion '${typeHandlerVersion}' is not supported yet by this control plane. Use 1.0 (binary health).`,
      );
    } else {
      checkSettings(context, extension.properties.settings ?? {}, `${at}.properties.settings`);
    }
  }
  const count = extensions.filter(isHealthExtension).length;
  if (count > 1)
    problems.add(EXTENSIONS, `There are ${count} Application Health extensions; one is allowed.`);
}

function checkSettings({ problems }: Context, given: object, at: string): void {
  const result = healthSettingsSchema.safeParse(given);
  if (!result.success) {
    for (const issue of result.error.issues) {
      const target = [at, ...issue.path.map(String)].join('.');
      problems.add(target, `The value of parameter ${target} is invalid: ${issue.message}.`);
    }
    return;
  }
  const { protocol, port, requestPath } = result.data;
  if (protocol === 'https') {
    problems.add(
      `${at}.protocol`,
      `${at}.protocol 'https' is not supported yet by this control plane. Use http or tcp.`,
    );
  }
  if (protocol === 'tcp') {
    if (port === undefined)
      problems.add(`${at}.port`, 'The Application Health extension needs a port for tcp.');
    if (requestPath !== undefined && requestPath !== '')
      problems.add(
        `${at}.requestPath`,
        'The Application Health extension takes no requestPath for tcp.',
      );
  } else if (requestPath === undefined || !/^\/\S*$/.test(requestPath)) {
    problems.add(
      `${at}.requestPath`,
      `The Application Health extension needs a requestPath for ${protocol} that begins with '/'; it is ${requestPath === undefined ? 'absent' : `'${requestPath}'`}.`,
    );
  }
}

export function checkAutomaticOsUpgrade({ body, problems }: Context): void {
  const { automaticOSUpgradePolicy } = body.properties.upgradePolicy;
  if (automaticOSUpgradePolicy?.enableAutomaticOSUpgrade !== true) return;
  const target = 'properties.upgradePolicy.automaticOSUpgradePolicy.enableAutomaticOSUpgrade';
  const { networkProfile, storageProfile } = body.properties.virtualMachineProfile;
  const extension = findHealthExtension(body) !== undefined;
  const probe = networkProfile.healthProbe !== undefined;
  if (!extension && !probe) {
    problems.add(
      target,
      'Automatic OS Upgrade is not supported for this Virtual Machine Scale Set because a health probe or health extension was not specified.',
      'BadRequest',
    );
  }
  if (extension && probe) {
    problems.add(
      target,
      'Automatic OS Upgrade is not supported for this Virtual Machine Scale Set because both a health probe and a health extension were provided. Remove the health probe or health extension prior to enabling automatic OS upgrade.',
      'BadRequest',
    );
  }
  const image = parseGalleryImageId(storageProfile.imageReference?.id ?? '');
  if (image === undefined || image.version === undefined) return;
  problems.add(
    target,
    "virtualMachineScaleSets with Automatic OS Upgrade enabled must use Platform or Gallery Image with version set to 'latest'.",
    'BadRequest',
  );
}
