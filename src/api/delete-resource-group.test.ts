// A whole resource group is deleted through the API, with workers that end what it starts.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { commitAgain } from '../operations/commit-again.ts';
import { endOperation, listOpenOperations } from '../operations/operations.ts';
import { removeResource } from '../operations/remove-resource.ts';
import { ResourceGroupDeletions } from '../operations/resource-group-deletion.ts';
import { DEFINITION, GROUP, SCALE_SET, shopScaleSetBody } from './compute/scale-set/testing.ts';
import { templateBody, TestApi } from './testing.ts';

const TEMPLATE = `${GROUP}/providers/Microsoft.VirtualMachineImages/imageTemplates/shop-1`;
let api: TestApi;
let deletions: ResourceGroupDeletions;
const errors: unknown[] = [];

beforeEach(async () => {
  api = await TestApi.open();
  await api.makeShop();
  deletions = new ResourceGroupDeletions({
    store: api.store,
    clock: api.dependencies.clock,
    deleteResource: api.deleteResource,
    onError: (error) => errors.push(error),
  });
});
afterEach(async () => {
  await deletions.stop();
  await api.close();
  expect(errors).toEqual([]);
});

/** The worker of one kind of deletion: removes the row and ends the operation. */
async function endDeletions(
  kind: 'scaleSet.delete' | 'galleryVersion.delete' | 'imageTemplate.delete',
): Promise<void> {
  for (const operation of await listOpenOperations(api.store, { kind })) {
    await commitAgain(api.store, async () => [
      endOperation(operation, { status: 'Succeeded' }, 0),
      ...(await removeResource(api.store, operation.parent)),
    ]);
  }
}

async function statusOf(operationId: string) {
  return (await api.store.get('operation', operationId))?.body;
}

async function startDeletion(): Promise<string> {
  const { headers, status } = await api.send('DELETE', GROUP);
  expect(status).toBe(202);
  return /operations\/([^?]+)/.exec(headers.get('location') ?? '')?.[1] ?? '';
}

test('everything goes in the order of its dependencies, and then the group', async () => {
  await api.must('PUT', SCALE_SET, shopScaleSetBody());
  await api.must('PUT', `${SCALE_SET}/providers/Rollset.Fleet/rolloutPolicies/default`, {});
  await api.must('PUT', `${GROUP}/providers/Microsoft.Storage/storageAccounts/shop1`, {
    location: 'westus',
  });
  deletions.start();
  const operationId = await startDeletion();
  await vi.waitFor(async () => {
    await endDeletions('scaleSet.delete');
    await endDeletions('galleryVersion.delete');
    expect((await statusOf(operationId))?.status).toBe('Succeeded');
  });
  expect((await api.send('HEAD', GROUP)).status).toBe(404);
  expect(await api.store.list('resource', { keyPrefix: GROUP.toLowerCase() })).toEqual([]);
});

test('what refuses is named, and the group stays usable', async () => {
  await api.must('PUT', TEMPLATE, templateBody());
  deletions.start();
  const operationId = await startDeletion();
  await vi.waitFor(async () => {
    await endDeletions('galleryVersion.delete');
    expect((await statusOf(operationId))?.status).toBe('Failed');
  });
  const { error } = (await statusOf(operationId)) ?? {};
  expect(error).toMatchObject({
    code: 'ResourceGroupDeletionBlocked',
    message: expect.stringContaining('shop-1 cannot be deleted now'),
  });
  expect((await api.send('PUT', GROUP, { location: 'westus' })).status).toBe(200);
});

test('a deletion that a crash interrupted is taken up at the next start', async () => {
  const operationId = await startDeletion();
  expect((await api.send('PUT', `${DEFINITION}-2`, {})).status).toBe(409);
  deletions.start();
  await vi.waitFor(async () => {
    await endDeletions('galleryVersion.delete');
    expect((await statusOf(operationId))?.status).toBe('Succeeded');
  });
});
