// An instance as Azure shows it: VirtualMachineScaleSetVM and its instance view. Pure.
import { parseGalleryImageId } from '../../../model/gallery-image-id.ts';
import { childId, providerResourceId, resourceGroupId } from '../../../model/resource-id.ts';
import type { JsonObject, ProvisioningState, ResourceRow } from '../../../model/resource.ts';
import type { InstanceRow, InstanceStatusRow } from '../../../model/scale-set.ts';
import { assertNever } from '../../../support/assert.ts';
import { findHealthExtension } from './health-probe.ts';
import { scaleSetSchema } from './schema.ts';
import type { ScaleSetBody } from './schema.ts';

const GIB = 1024 ** 3;

export type InstanceRows = {
  readonly scaleSet: ResourceRow;
  readonly instance: InstanceRow;
  /** Absent until the reconciler of the instance has looked for the first time. */
  readonly status: InstanceStatusRow | undefined;
};

/** `GET …/virtualMachines/{id}`; with its instance view when `expand` says so. */
export function toInstance(rows: InstanceRows, expand: boolean): JsonObject {
  const { scaleSet, instance } = rows;
  const body = scaleSetSchema.parse(scaleSet.body);
  const { location, tags } = scaleSet.body;
  return {
    id: childId(scaleSet.id, 'virtualMachines', instance.instanceId),
    name: `${scaleSet.name}_${instance.instanceId}`,
    type: 'Microsoft.Compute/virtualMachineScaleSets/virtualMachines',
    instanceId: instance.instanceId,
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    sku: { name: body.sku.name, tier: body.sku.tier },
    properties: {
      latestModelApplied: isLatestModelApplied(scaleSet, instance),
      modelDefinitionApplied: 'VirtualMachineScaleSet',
      vmId: instance.vmId,
      provisioningState: provisioningStateOf(rows),
      timeCreated: instance.createdAt,
      hardwareProfile: { vmSize: body.sku.name },
      storageProfile: toStorageProfile(rows),
      osProfile: toOsProfile(body, instance),
      networkProfile: { networkInterfaces: [] },
      networkProfileConfiguration: {
        networkInterfaceConfigurations: JSON.parse(
          JSON.stringify(
            body.properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations,
          ),
        ),
      },
      ...(expand ? { instanceView: toInstanceView(rows) } : {}),
    },
  };
}

/** `GET …/virtualMachines/{id}/instanceView`. */
export function toInstanceView({ scaleSet, instance, status }: InstanceRows): JsonObject {
  const body = scaleSetSchema.parse(scaleSet.body);
  const extension = findHealthExtension(body);
  const health = extension === undefined ? undefined : toVmHealth(status);
  return {
    computerName: instance.computerName,
    osName: 'linux',
    hyperVGeneration: 'V1',
    vmAgent: { vmAgentVersion: 'qemu-guest-agent', statuses: [agentStatus(status)] },
    disks: [{ name: status?.diskId ?? instance.osDisk.diskId, statuses: [] }],
    ...(health === undefined ? {} : { vmHealth: { status: health } }),
    ...(extension === undefined
      ? {}
      : {
          extensions: [
            {
              name: extension.name,
              type: `${extension.properties.publisher}.${extension.properties.type}`,
              typeHandlerVersion: extension.properties.typeHandlerVersion ?? '1.0',
            },
          ],
        }),
    statuses: toStatuses({ scaleSet, instance, status }),
  };
}

/** Publishing a version never flips it; a changed model does, until the instance is reimaged. */
export function isLatestModelApplied(
  { internal, generation }: ResourceRow,
  instance: InstanceRow,
): boolean {
  const { modelGeneration } = internal;
  return (
    instance.modelGeneration >= (typeof modelGeneration === 'number' ? modelGeneration : generation)
  );
}

export function provisioningStateOf({ instance, status }: InstanceRows): ProvisioningState {
  if (instance.wanted === 'deleted') return 'Deleting';
  if (status === undefined || status.startedAt === undefined)
    return status?.error === undefined ? 'Creating' : 'Failed';
  if (status.diskId !== instance.osDisk.diskId) return 'Updating';
  return status.error === undefined ? 'Succeeded' : 'Failed';
}

export type InstanceViewStatus = JsonObject & { code: string };

/** ProvisioningState and PowerState, as clients look for them. */
export function toStatuses(rows: InstanceRows): InstanceViewStatus[] {
  const { instance, status } = rows;
  const state = provisioningStateOf(rows);
  const provisioning: InstanceViewStatus = {
    code: `ProvisioningState/${state.toLowerCase()}`,
    level: state === 'Failed' ? 'Error' : 'Info',
    displayStatus: state === 'Succeeded' ? 'Provisioning succeeded' : state,
    time: status?.startedAt ?? instance.createdAt,
    ...messageOf(status),
  };
  const power = powerOf(status);
  return power === undefined ? [provisioning] : [provisioning, power];
}

function messageOf(status: InstanceStatusRow | undefined): JsonObject {
  const message = status?.error ?? status?.waitingFor ?? '';
  return message === '' ? {} : { message };
}

function powerOf(status: InstanceStatusRow | undefined): InstanceViewStatus | undefined {
  if (status === undefined || status.power === 'absent') return undefined;
  return { code: `PowerState/${status.power}`, level: 'Info', displayStatus: `VM ${status.power}` };
}

/** Always there when a source of health is configured, and with the reason. */
function toVmHealth(status: InstanceStatusRow | undefined): JsonObject {
  const health = status?.health ?? 'Unknown';
  const said = {
    code: `HealthState/${health.toLowerCase()}`,
    message: status?.healthReason ?? 'The instance was not observed yet.',
    ...(status === undefined ? {} : { time: status.healthSince }),
  };
  switch (health) {
    case 'Healthy':
      return { ...said, level: 'Info', displayStatus: 'The VM is reporting itself as healthy' };
    case 'Unhealthy':
      return {
        ...said,
        level: 'Error',
        displayStatus: 'The VM is reporting itself as unhealthy or is unreachable',
      };
    case 'Initializing':
      return { ...said, level: 'Info', displayStatus: 'The VM is initializing' };
    case 'Unknown':
      return { ...said, level: 'Warning', displayStatus: 'The health of the VM is not known' };
    default:
      return assertNever(health);
  }
}

function agentStatus(status: InstanceStatusRow | undefined): JsonObject {
  return status?.guestUpAt === undefined
    ? { code: 'ProvisioningState/Unavailable', level: 'Warning', displayStatus: 'Not Ready' }
    : {
        code: 'ProvisioningState/succeeded',
        level: 'Info',
        displayStatus: 'Ready',
        time: status.guestUpAt,
      };
}

/** `exactVersion` is what the VM runs, which during a swap is not yet what is wanted. */
function toStorageProfile({ scaleSet, instance, status }: InstanceRows): JsonObject {
  const { osDisk, model } = instance;
  const definition = parseGalleryImageId(osDisk.versionId)?.definitionId ?? osDisk.versionId;
  const diskId = status?.diskId ?? osDisk.diskId;
  return {
    imageReference: { id: definition, exactVersion: status?.version ?? osDisk.version },
    osDisk: {
      osType: 'Linux',
      name: diskId,
      createOption: 'FromImage',
      managedDisk: { id: diskResourceId(scaleSet, diskId) },
    },
    dataDisks: model.dataDisks.map(({ lun, sizeBytes }) => {
      const name = `${scaleSet.name}_${instance.instanceId}_lun${lun}`;
      return {
        lun,
        name,
        createOption: 'Empty',
        diskSizeGB: Math.round(sizeBytes / GIB),
        managedDisk: { id: diskResourceId(scaleSet, name) },
      };
    }),
  };
}

function diskResourceId({ id }: ResourceRow, name: string): string {
  const [, , subscription = '', , group = ''] = id.split('/');
  return providerResourceId(
    resourceGroupId(subscription, group),
    'Microsoft.Compute',
    'disks',
    name,
  );
}

function toOsProfile(body: ScaleSetBody, { computerName, model }: InstanceRow): JsonObject {
  const { linuxConfiguration } = body.properties.virtualMachineProfile.osProfile;
  return {
    computerName,
    ...(model.adminUsername === undefined ? {} : { adminUsername: model.adminUsername }),
    linuxConfiguration: {
      disablePasswordAuthentication: linuxConfiguration?.disablePasswordAuthentication ?? false,
      ssh: {
        publicKeys: model.sshPublicKeys.map((keyData) => ({
          path: `/home/${model.adminUsername ?? ''}/.ssh/authorized_keys`,
          keyData,
        })),
      },
    },
  };
}
