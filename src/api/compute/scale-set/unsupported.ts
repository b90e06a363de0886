// Properties of a scale set whose meaning this control plane cannot honour: each is refused by name.
import type { UnsupportedTable } from '../../arm/declaration.ts';
import { isFilled, isGiven, isOtherThan, isTrue } from '../../arm/unsupported.ts';

const PROFILE = 'properties.virtualMachineProfile';
const IP = `${PROFILE}.networkProfile.networkInterfaceConfigurations[].properties.ipConfigurations[].properties`;
const POLICY = 'properties.upgradePolicy';
const GALLERY = 'Use a gallery image definition: imageReference.id.';

export const SCALE_SET_UNSUPPORTED: UnsupportedTable = [
  ['zones', isFilled, 'There is one machine, so leave zones out.'],
  ['placement', isGiven, 'There is one machine, so leave it out.'],
  ['plan', isGiven, 'There is no marketplace here.'],
  ['identity.type', isOtherThan('None'), 'Instances have no identity here.'],
  ['extendedLocation', isGiven, 'There are no edge zones here.'],
  ['properties.orchestrationMode', isOtherThan('Uniform'), 'Use Uniform.'],
  ['properties.zoneBalance', isTrue, 'There is one machine, so leave it out.'],
  [
    'properties.automaticRepairsPolicy.enabled',
    isTrue,
    'A VM that ends by itself is started again in any case.',
  ],
  [
    'properties.scaleInPolicy.rules',
    (rules) => Array.isArray(rules) && rules.some((one) => one !== 'Default'),
    'Use Default: the highest instance id goes first.',
  ],
  ['properties.scaleInPolicy.prioritizeUnhealthyVMs', isTrue, 'Leave it out.'],
  ['properties.spotRestorePolicy.enabled', isTrue, 'There are no Spot instances here.'],
  ['properties.priorityMixPolicy', isGiven, 'There are no Spot instances here.'],
  ['properties.skuProfile', isGiven, 'Use one VM size: sku.name.'],
  ['properties.externalHealthPolicy.enabled', isTrue, 'Use the Application Health extension.'],
  ['properties.lifecycleHooksProfile.lifecycleHooks', isFilled, 'Leave them out.'],
  [
    'properties.resiliencyPolicy.automaticZoneRebalancingPolicy.enabled',
    isTrue,
    'There is one machine, so leave it out.',
  ],
  [
    `${POLICY}.mode`,
    isOtherThan('Manual'),
    'Use Manual: a changed model reaches instances by reimage, a new image version by automaticOSUpgradePolicy.',
  ],
  [
    `${POLICY}.automaticOSUpgrade`,
    isGiven,
    'Use automaticOSUpgradePolicy.enableAutomaticOSUpgrade.',
  ],
  [`${POLICY}.automaticOSUpgradePolicy.osRollingUpgradeDeferral`, isTrue, 'Leave it out.'],
  [`${POLICY}.rollingUpgradePolicy.enableCrossZoneUpgrade`, isTrue, 'There are no zones here.'],
  [
    `${POLICY}.rollingUpgradePolicy.maxSurge`,
    isTrue,
    'Instances are upgraded in place, with their data disks.',
  ],
  [
    `${POLICY}.rollingUpgradePolicy.rollbackFailedInstancesOnPolicyBreach`,
    isTrue,
    'An instance that does not become healthy gets its previous OS disk back in any case; see automaticOSUpgradePolicy.disableAutomaticRollback.',
  ],
  [`${PROFILE}.priority`, isOtherThan('Regular'), 'Use Regular.'],
  [`${PROFILE}.evictionPolicy`, isGiven, 'There are no Spot instances here.'],
  [`${PROFILE}.userData`, isGiven, 'Use osProfile.customData.'],
  [
    `${PROFILE}.securityProfile.securityType`,
    isOtherThan('Standard'),
    'Guests start by BIOS without Secure Boot.',
  ],
  [
    `${PROFILE}.securityProfile.encryptionAtHost`,
    isTrue,
    'Disks are files of the host; encrypt its file system.',
  ],
  [`${PROFILE}.applicationProfile.galleryApplications`, isFilled, 'Bake the app into the image.'],
  [`${PROFILE}.capacityReservation`, isGiven, 'Leave it out.'],
  [
    `${PROFILE}.serviceArtifactReference`,
    isGiven,
    'Name a version in imageReference.id to pin it.',
  ],
  [
    `${PROFILE}.scheduledEventsProfile.terminateNotificationProfile.enable`,
    isTrue,
    'Instances get a graceful power-off.',
  ],
  [
    `${PROFILE}.scheduledEventsProfile.osImageNotificationProfile.enable`,
    isTrue,
    'Open connections are drained before a swap.',
  ],
  [`${PROFILE}.storageProfile.imageReference.publisher`, isGiven, GALLERY],
  [`${PROFILE}.storageProfile.imageReference.sharedGalleryImageId`, isGiven, GALLERY],
  [`${PROFILE}.storageProfile.imageReference.communityGalleryImageId`, isGiven, GALLERY],
  [`${PROFILE}.storageProfile.osDisk.createOption`, isOtherThan('FromImage'), 'Use FromImage.'],
  [`${PROFILE}.storageProfile.osDisk.osType`, isOtherThan('Linux'), 'Guests are Linux.'],
  [
    `${PROFILE}.storageProfile.osDisk.diskSizeGB`,
    isGiven,
    'The OS disk has the size of its image.',
  ],
  [
    `${PROFILE}.storageProfile.osDisk.managedDisk.diskEncryptionSet`,
    isGiven,
    'Disks are files of the host; encrypt its file system.',
  ],
  [`${PROFILE}.storageProfile.dataDisks[].createOption`, isOtherThan('Empty'), 'Use Empty.'],
  [`${PROFILE}.osProfile.windowsConfiguration`, isGiven, 'Guests are Linux.'],
  [`${PROFILE}.osProfile.secrets`, isFilled, 'Deliver them with customData or from the app.'],
  [
    `${PROFILE}.osProfile.linuxConfiguration.patchSettings.patchMode`,
    isOtherThan('ImageDefault'),
    'New packages come with a new image version.',
  ],
  [
    `${PROFILE}.networkProfile.healthProbe`,
    isGiven,
    'Use the Application Health extension as the source of health.',
  ],
  [`${IP}.publicIPAddressConfiguration`, isGiven, 'Reach instances through a load balancer.'],
  [`${IP}.loadBalancerInboundNatPools`, isFilled, 'Reach one instance with `rollset exec`.'],
  [`${IP}.applicationGatewayBackendAddressPools`, isFilled, 'Use a load balancer.'],
  [`${IP}.privateIPAddressVersion`, isOtherThan('IPv4'), 'Use IPv4.'],
];
