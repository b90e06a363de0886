// Microsoft.Storage/storageAccounts with their blob containers: where an app's archive is put for
// an image build. The data plane is blob-router.ts.
import { z } from 'zod';
import { childId, resourceKey } from '../../model/resource-id.ts';
import type { JsonObject, ResourceRow } from '../../model/resource.ts';
import type { Put, Stored } from '../../store/store.ts';
import { isoTime } from '../../support/clock.ts';
import { assert } from '../../support/assert.ts';
import { ArmError } from '../arm/arm-error.ts';
import { defineResource } from '../arm/declaration.ts';
import type {
  ActionContext,
  ActionResult,
  PrepareContext,
  StoredDeclaration,
} from '../arm/declaration.ts';
import { isObject } from '../arm/merge.ts';
import { Problems } from '../arm/problems.ts';
import { toJson } from '../arm/put-resource.ts';
import { isFilled, isOtherThan, isTrue } from '../arm/unsupported.ts';
import { validateBody } from '../arm/validate.ts';
import type { BlobFiles } from './blob-files.ts';
import { accountKey, signSas } from './shared-access-signature.ts';

const BLOB_SERVICES = 'Microsoft.Storage/storageAccounts/blobServices';
/** First path segments of the server that are not accounts. */
export const RESERVED_ACCOUNTS = [
  'subscriptions',
  'providers',
  'metadata',
  'packerlogs',
  'bootdiagnostics',
  'portal',
  'tenants',
  'health',
];

const schema = z.looseObject({
  location: z.string().min(1),
  tags: z.record(z.string(), z.string()).optional(),
  sku: z.looseObject({ name: z.string() }).prefault({ name: 'Standard_LRS' }),
  kind: z.string().default('StorageV2'),
  properties: z.looseObject({}).prefault({}),
});
type AccountBody = z.infer<typeof schema>;

export type StorageDependencies = {
  readonly files: Pick<BlobFiles, 'removeAccount'>;
  /** From which the key of every account is made. */
  readonly sasKey: Uint8Array;
};

export function storageTypes({ files, sasKey }: StorageDependencies): StoredDeclaration[] {
  const storageAccount = defineResource({
    type: 'Microsoft.Storage/storageAccounts',
    scope: 'resourceGroup',
    verbs: ['get', 'list', 'put', 'patch', 'delete'],
    name: {
      accepts: (name) => /^[a-z0-9]{3,24}$/.test(name) && !RESERVED_ACCOUNTS.includes(name),
      rule: `3 to 24 lower-case letters and digits, and none of ${RESERVED_ACCOUNTS.join(', ')}`,
      target: 'accountName',
    },
    location: 'tracked',
    schema,
    put: 'sync',
    delete: 'sync',
    deletesChildren: true,
    unsupported: [
      [
        'kind',
        isOtherThan('StorageV2', 'BlobStorage', 'BlockBlobStorage', 'Storage'),
        'Block blobs are kept here.',
      ],
      ['properties.isHnsEnabled', isTrue, 'Names are flat here.'],
      ['properties.networkAcls.ipRules', isFilled, 'The server listens on loopback.'],
    ],
    prepare: (context: PrepareContext<AccountBody>) => prepareAccount(context, files),
    present: (row, { baseUrl }) => {
      const { body } = row.body;
      const properties = isObject(body['properties']) ? body['properties'] : {};
      const blob = `${baseUrl}/${row.body.name}/`;
      return {
        ...body,
        properties: { ...properties, primaryEndpoints: { blob }, statusOfPrimary: 'available' },
      };
    },
    afterDelete: (row) => files.removeAccount(row.body.name),
    actions: {
      ListServiceSas: {
        method: 'POST',
        run: (context) => Promise.resolve(listServiceSas(context, sasKey)),
      },
    },
  });
  return [storageAccount, blobServiceType, blobContainerType];
}

const blobServiceType = defineResource({
  type: BLOB_SERVICES,
  verbs: ['get', 'list'],
  name: { accepts: (name) => name === 'default', rule: 'default' },
  location: 'none',
  schema: z.looseObject({}),
  put: 'sync',
  delete: 'sync',
});

const blobContainerType = defineResource({
  type: `${BLOB_SERVICES}/containers`,
  verbs: ['get', 'list', 'put', 'patch'],
  name: {
    accepts: (name) => /^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name),
    rule: "3 to 63 lower-case letters, digits and single '-', beginning and ending with a letter or digit",
    target: 'containerName',
  },
  location: 'none',
  schema: z.looseObject({ properties: z.looseObject({}).prefault({}) }),
  put: 'sync',
  delete: 'sync',
  unsupported: [
    ['properties.publicAccess', isOtherThan('None'), 'Every read needs a SAS.'],
    ['properties.immutableStorageWithVersioning.enabled', isTrue, 'Leave it out.'],
  ],
});

/** An account's name is unique everywhere, as its blobs' addresses have no resource group. */
async function prepareAccount(
  { store, id, name, body, existing, now }: PrepareContext<AccountBody>,
  files: StorageDependencies['files'],
) {
  const accounts = await store.list('resource', { type: 'microsoft.storage/storageaccounts' });
  const other = accounts.find((row) => row.body.name === name && row.key !== resourceKey(id));
  if (other !== undefined) {
    throw new ArmError(
      409,
      'StorageAccountAlreadyTaken',
      `The storage account named ${name} is already taken by ${other.body.id}.`,
    );
  }
  // What a crash left of a deleted account of this name must not come back to life.
  if (existing === undefined) await files.removeAccount(name);
  return { body: toJson(body), writes: [blobService(id, name, now, existing)] };
}

function blobService(
  accountId: string,
  account: string,
  now: number,
  existing: Stored<'resource'> | undefined,
): Put<'resource'> {
  const id = childId(accountId, 'blobServices', 'default');
  const createdAt = existing?.body.createdAt ?? isoTime(now);
  const body: ResourceRow = {
    id,
    type: BLOB_SERVICES,
    name: 'default',
    body: { properties: {} },
    internal: { account },
    provisioningState: 'Succeeded',
    generation: 1,
    createdAt,
    changedAt: createdAt,
  };
  return {
    put: 'resource',
    key: resourceKey(id),
    parent: resourceKey(accountId),
    type: BLOB_SERVICES.toLowerCase(),
    body,
  };
}

const sasRequest = z.looseObject({
  canonicalizedResource: z.string().min(1),
  signedResource: z.enum(['b', 'c']),
  signedPermission: z
    .string()
    .regex(/^[racwdl]+$/, "expected letters of 'racwdl'")
    .default('r'),
  signedExpiry: z.iso.datetime({ offset: true }),
  signedStart: z.iso.datetime({ offset: true }).optional(),
});

function listServiceSas({ row, body }: ActionContext, sasKey: Uint8Array): ActionResult {
  assert(row, 'a storage account has a row');
  const problems = new Problems();
  const asked = validateBody(sasRequest, body, problems);
  const { name } = row.body;
  const wanted = `/blob/${name}/`;
  if (!asked.canonicalizedResource.startsWith(wanted)) {
    problems.add(
      'canonicalizedResource',
      `The canonicalizedResource '${asked.canonicalizedResource}' is not in this account: it must begin with ${wanted}.`,
    );
  }
  problems.throwIfAny();
  const { signedStart, ...grant } = asked;
  const serviceSasToken = signSas(
    { ...grant, ...(signedStart === undefined ? {} : { signedStart }) },
    accountKey(sasKey, name),
  );
  const answer: JsonObject = { serviceSasToken };
  return { answer };
}
