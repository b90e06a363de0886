// The scale set and its roll-out policy, and when each of their changes is sent. Pure.
import { createHash } from 'node:crypto';
import { providerResourceId } from '../../model/resource-id.ts';
import type { Json, JsonObject } from '../../model/resource.ts';
import { API_VERSIONS, put } from './arm-request.ts';
import type { ArmRequest } from './arm-request.ts';
import type { CompileContext } from './compile.ts';
import { customDataOf, fillFields } from './fields.ts';
import type { Pipeline } from './load.ts';
import { computerNamePrefix } from './names.ts';
import type { PipelineNames } from './names.ts';

/** Tag by which a changed customData is noticed: the service never returns the data itself. */
const CUSTOM_DATA_TAG = 'rollset:customDataSha256';

/**
 * The first ship makes the fleet after publication. Later ones bring the model and the policies up
 * to date *before* the version exists: publication starts the roll-out at once, and it must find
 * them. The number of instances changes only after it, so that a failed bake touches nothing.
 */
export function compileFleet(
  pipeline: Pipeline,
  names: PipelineNames,
  context: Pick<CompileContext, 'scaleSet' | 'hasFleetProvider'>,
): { before: ArmRequest[]; after: ArmRequest[] } {
  const wanted = scaleSetBody(pipeline, names);
  const scaleSet = (body: JsonObject) => put(names.scaleSetId, API_VERSIONS.compute, body);
  const policyId = providerResourceId(
    names.scaleSetId,
    'Rollset.Fleet',
    'rolloutPolicies',
    'default',
  );
  const policy = context.hasFleetProvider
    ? [put(policyId, API_VERSIONS.fleet, fillFields('rolloutPolicy', pipeline, {}))]
    : [];
  const existing = context.scaleSet;
  if (existing === undefined) return { before: [], after: [scaleSet(wanted), ...policy] };
  const capacity = asObject(existing['sku'])['capacity'] ?? null;
  const kept = { ...wanted, sku: { ...asObject(wanted['sku']), capacity } };
  const isResized = asObject(wanted['sku'])['capacity'] !== capacity;
  return {
    before: [...(contains(existing, withoutSecrets(kept)) ? [] : [scaleSet(kept)]), ...policy],
    after: isResized ? [scaleSet(wanted)] : [],
  };
}

function scaleSetBody(pipeline: Pipeline, names: PipelineNames): JsonObject {
  const { file } = pipeline;
  const customDataHash = createHash('sha256').update(customDataOf(pipeline)).digest('hex');
  const pools =
    file.fleet.port === undefined
      ? []
      : [{ id: `${names.loadBalancerId}/backendAddressPools/pool` }];
  const health = fillFields('health', pipeline, {});
  return fillFields('scaleSet', pipeline, {
    location: file.location,
    tags: { [CUSTOM_DATA_TAG]: customDataHash },
    sku: { tier: 'Standard' },
    properties: {
      orchestrationMode: 'Uniform',
      overprovision: false,
      upgradePolicy: {
        mode: 'Manual',
        rollingUpgradePolicy: {},
        automaticOSUpgradePolicy: { enableAutomaticOSUpgrade: true, useRollingUpgradePolicy: true },
      },
      virtualMachineProfile: {
        storageProfile: {
          imageReference: { id: names.definitionId },
          osDisk: { createOption: 'FromImage', caching: 'ReadWrite' },
        },
        osProfile: { computerNamePrefix: computerNamePrefix(file.name) },
        networkProfile: {
          networkInterfaceConfigurations: [
            {
              name: 'nic',
              properties: {
                primary: true,
                ipConfigurations: [
                  {
                    name: 'ip',
                    properties: {
                      primary: true,
                      subnet: { id: names.subnetId },
                      loadBalancerBackendAddressPools: pools,
                    },
                  },
                ],
              },
            },
          ],
        },
        extensionProfile: {
          extensions: [
            {
              name: 'health',
              properties: {
                publisher: 'Microsoft.ManagedServices',
                type: 'ApplicationHealthLinux',
                typeHandlerVersion: '1.0',
                autoUpgradeMinorVersion: true,
                settings: health,
              },
            },
          ],
        },
      },
    },
  });
}

function withoutSecrets(body: JsonObject): JsonObject {
  return JSON.parse(
    JSON.stringify(body, (key, value) => (key === 'customData' ? undefined : value)),
  );
}

/** True when every value of `part` is in `whole` too: the service adds defaults of its own. */
function contains(whole: Json | undefined, part: Json): boolean {
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) &&
      whole.length === part.length &&
      part.every((value, index) => contains(whole[index], value))
    );
  }
  if (typeof part !== 'object' || part === null) return whole === part;
  const object = asObject(whole);
  return Object.entries(part).every(([key, value]) => contains(object[key], value));
}

function asObject(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
