// From a pipeline to the ARM requests that make it so, in their order. Pure.
//
// `ship` sends them and `ship --dry-run` prints them: there is one order for both.
import { childId } from '../../model/resource-id.ts';
import type { ResourceId } from '../../model/resource-id.ts';
import type { JsonObject } from '../../model/resource.ts';
import type { Blob } from './archive.ts';
import { compileSteps } from './customizers.ts';
import { compileFleet } from './compile-fleet.ts';
import { fillFields } from './fields.ts';
import { API_VERSIONS, post, put } from './arm-request.ts';
import type { ArmRequest } from './arm-request.ts';
import type { ImageSource } from './image-source.ts';
import type { Pipeline } from './load.ts';
import { derivedNames, templateId } from './names.ts';
import type { PipelineNames } from './names.ts';

export type CompileContext = {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  /** `https://host/account/`: where the storage account serves its blobs. */
  readonly blobEndpoint: string;
  /** Query of a signed URL that may read the container; not part of what names a template. */
  readonly readToken: string;
  /** User-assigned identity of the image template; Azure needs one. */
  readonly identity?: string;
  readonly version: string;
  readonly source: ImageSource;
  readonly artifactTags: Readonly<Record<string, string>>;
  /** Whether the target knows `Rollset.Fleet`; Azure does not. */
  readonly hasFleetProvider: boolean;
  /** Body of the scale set when it exists already. */
  readonly scaleSet?: JsonObject;
};

export type ShipRequests = {
  readonly names: PipelineNames;
  readonly templateId: ResourceId;
  readonly versionId: ResourceId;
  /** Gallery and definition: where the image goes. */
  readonly gallery: readonly ArmRequest[];
  /** Network; and what an existing fleet needs before the roll-out starts. */
  readonly network: readonly ArmRequest[];
  readonly template: ArmRequest;
  readonly run: ArmRequest;
  /** After publication. */
  readonly fleet: readonly ArmRequest[];
};

/** Resource group, account and container: where sources go, needed before anything else. */
export function compileStorage(
  pipeline: Pipeline,
  place: Pick<CompileContext, 'subscriptionId' | 'resourceGroup'>,
): { names: PipelineNames; requests: ArmRequest[] } {
  const { name, location } = pipeline.file;
  const names = derivedNames(name, place);
  const containerId = `${names.storageAccountId}/blobServices/default/containers/${names.container}`;
  return {
    names,
    requests: [
      put(names.resourceGroupId, API_VERSIONS.resources, { location }),
      put(names.storageAccountId, API_VERSIONS.storage, {
        location,
        kind: 'StorageV2',
        sku: { name: 'Standard_LRS' },
        properties: { allowBlobPublicAccess: false, minimumTlsVersion: 'TLS1_2' },
      }),
      put(containerId, API_VERSIONS.storage, { properties: {} }),
    ],
  };
}

/** A signed URL's query for the container; `permissions` as Azure spells them, e.g. `rcw`. */
export function compileSas(names: PipelineNames, permissions: string, expiry: string): ArmRequest {
  return post(`${names.storageAccountId}/ListServiceSas`, API_VERSIONS.storage, {
    canonicalizedResource: `/blob/${names.storageAccount}/${names.container}`,
    signedResource: 'c',
    signedPermission: permissions,
    signedExpiry: expiry,
  });
}

export function compileShip(pipeline: Pipeline, context: CompileContext): ShipRequests {
  const names = derivedNames(pipeline.file.name, context);
  const template = compileTemplate(pipeline, names, context);
  const { before, after } = compileFleet(pipeline, names, context);
  return {
    names,
    templateId: template.path as ResourceId,
    versionId: childId(names.definitionId, 'versions', context.version),
    gallery: compileGallery(pipeline, names),
    network: [...compileNetwork(pipeline, names), ...before],
    template,
    run: post(`${template.path}/run`, API_VERSIONS.imageTemplate),
    fleet: after,
  };
}

function compileGallery({ file }: Pipeline, names: PipelineNames): ArmRequest[] {
  const { name, location } = file;
  return [
    put(names.galleryId, API_VERSIONS.gallery, { location, properties: {} }),
    put(names.definitionId, API_VERSIONS.gallery, {
      location,
      properties: {
        osType: 'Linux',
        osState: 'Generalized',
        hyperVGeneration: 'V1',
        architecture: 'x64',
        identifier: { publisher: 'rollset', offer: name, sku: name },
      },
    }),
  ];
}

function compileNetwork({ file }: Pipeline, names: PipelineNames): ArmRequest[] {
  const { location, fleet } = file;
  const network = put(names.networkId, API_VERSIONS.network, {
    location,
    properties: {
      addressSpace: { addressPrefixes: ['10.0.0.0/16'] },
      subnets: [{ name: 'default', properties: { addressPrefix: '10.0.0.0/20' } }],
    },
  });
  if (fleet.port === undefined) return [network];
  const { loadBalancerId } = names;
  const { health } = fleet;
  const protocol = { http: 'Http', https: 'Https', tcp: 'Tcp' }[health.protocol ?? 'http'];
  const balancer = put(loadBalancerId, API_VERSIONS.network, {
    location,
    sku: { name: 'Standard' },
    properties: {
      frontendIPConfigurations: [
        {
          name: 'frontend',
          properties: { privateIPAllocationMethod: 'Dynamic', subnet: { id: names.subnetId } },
        },
      ],
      backendAddressPools: [{ name: 'pool', properties: {} }],
      probes: [
        {
          name: 'health',
          properties: {
            protocol,
            port: health.port ?? fleet.port,
            ...(health.path === undefined ? {} : { requestPath: health.path }),
            intervalInSeconds: Math.round((health.interval ?? 5000) / 1000),
            numberOfProbes: health.probes ?? 1,
          },
        },
      ],
      loadBalancingRules: [
        {
          name: 'http',
          properties: {
            protocol: 'Tcp',
            frontendPort: fleet.port,
            backendPort: fleet.port,
            frontendIPConfiguration: { id: `${loadBalancerId}/frontendIPConfigurations/frontend` },
            backendAddressPool: { id: `${loadBalancerId}/backendAddressPools/pool` },
            probe: { id: `${loadBalancerId}/probes/health` },
          },
        },
      ],
    },
  });
  return [network, balancer];
}

function compileTemplate(
  pipeline: Pipeline,
  names: PipelineNames,
  context: CompileContext,
): ArmRequest {
  const { name, location } = pipeline.file;
  const { identity } = context;
  const bodyWith = (query: string): JsonObject => {
    const urlOf = (blob: Blob) => `${context.blobEndpoint}${names.container}/${blob.name}${query}`;
    const validations = compileSteps(pipeline.validate, urlOf);
    return fillFields('imageTemplate', pipeline, {
      location,
      identity:
        identity === undefined
          ? { type: 'None' }
          : { type: 'UserAssigned', userAssignedIdentities: { [identity]: {} } },
      properties: {
        source: sourceBody(context.source),
        customize: compileSteps(pipeline.customize, urlOf),
        ...(validations.length === 0 ? {} : { validate: { inVMValidations: validations } }),
        distribute: [
          {
            type: 'SharedImage',
            runOutputName: 'gallery',
            galleryImageId: childId(names.definitionId, 'versions', context.version),
            targetRegions: [
              { name: location, replicaCount: 1, storageAccountType: 'Standard_LRS' },
            ],
            artifactTags: { ...context.artifactTags },
          },
        ],
      },
    });
  };
  const id = templateId(names, name, context.version, JSON.stringify(bodyWith('')));
  return put(id, API_VERSIONS.imageTemplate, bodyWith(`?${context.readToken}`));
}

function sourceBody(source: ImageSource): JsonObject {
  if (source.kind === 'platform') {
    const { publisher, offer, sku, version } = source;
    return { type: 'PlatformImage', publisher, offer, sku, version };
  }
  return { type: 'SharedImageVersion', imageVersionId: source.imageVersionId };
}
