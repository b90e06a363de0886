// What `rollset ship` sends for the example is accepted as it is, the first time and again.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ArmRequest } from '../../src/cli/pipeline/arm-request.ts';
import { compileSas, compileShip, compileStorage } from '../../src/cli/pipeline/compile.ts';
import type { CompileContext } from '../../src/cli/pipeline/compile.ts';
import { parseBase } from '../../src/cli/pipeline/image-source.ts';
import { loadPipeline } from '../../src/cli/pipeline/load.ts';
import { newVersionPut } from '../../src/gallery/version-row.ts';
import type { JsonObject } from '../../src/model/resource.ts';
import { resourceKey } from '../../src/model/resource-id.ts';
import { ContractServer, SUBSCRIPTION } from './harness.ts';
import { actAs } from './workers.ts';

const EXAMPLE = join(import.meta.dirname, '..', '..', 'examples', 'guestbook', 'rollset.yaml');
const place = { subscriptionId: SUBSCRIPTION, resourceGroup: 'guestbook-rg' };

test('the example ships twice', async () => {
  const server = await ContractServer.start();
  const pipeline = await loadPipeline(EXAMPLE);
  const send = async (requests: readonly ArmRequest[]) => {
    const bodies: unknown[] = [];
    for (const { method, path, apiVersion, body } of requests) {
      const reply = await server.send({
        method,
        path: `${path}?api-version=${apiVersion}`,
        ...(body === undefined ? {} : { body }),
      });
      expect([200, 201, 202], `${method} ${path}: ${reply.text}`).toContain(reply.status);
      bodies.push(reply.body);
    }
    return bodies;
  };
  try {
    const storage = compileStorage(pipeline, place);
    await send(storage.requests);
    const [signed] = await send([compileSas(storage.names, 'rcw', '2126-01-01T00:00:00Z')]);
    const { serviceSasToken } = signed as { serviceSasToken: string };
    const context: CompileContext = {
      ...place,
      blobEndpoint: `${server.baseUrl}/${storage.names.storageAccount}/`,
      readToken: serviceSasToken,
      version: '1.0.0',
      source: parseBase(pipeline.file.image.base, 'rollset.yaml'),
      artifactTags: {},
      hasFleetProvider: true,
    };
    const first = compileShip(pipeline, context);
    await send([...first.gallery, ...first.network, first.template]);
    await actAs(server.store, { end: 'imageTemplate.put' });
    await send([first.run]);
    await actAs(server.store, { end: 'imageTemplate.run' });
    await publish(server, first.names.definitionId, '1.0.0');
    const replies = await send(first.fleet);
    await actAs(server.store, { end: 'scaleSet.put' });

    const scaleSet = replies.find((body) => isScaleSet(body)) as JsonObject;
    const again = compileShip(pipeline, { ...context, version: '1.0.1', scaleSet });
    await send([...again.gallery, ...again.network, again.template, ...again.fleet]);
    expect(server.logged).toEqual([]);
  } finally {
    await server.close();
  }
});

async function publish(
  server: ContractServer,
  definitionId: string,
  version: string,
): Promise<void> {
  const definition = await server.store.get('resource', resourceKey(definitionId));
  if (definition === undefined) throw new Error(`${definitionId} was not made`);
  const digest = `sha256:${'a'.repeat(64)}`;
  await server.store.commit([
    newVersionPut({
      definition: definition.body,
      version,
      manifest: {
        layers: [{ digest, sizeBytes: 1 }],
        boot: { kernel: digest, modules: digest, release: '6.1' },
        osDiskSizeBytes: 1,
      },
      targetRegions: [
        {
          name: 'southeastasia',
          replicaCount: 1,
          storageAccountType: 'Standard_LRS',
          excludeFromLatest: false,
        },
      ],
      excludeFromLatest: false,
      replicationMode: 'Full',
      tags: {},
      now: '2026-03-02T12:00:00.000Z',
    }),
  ]);
}

function isScaleSet(body: unknown): boolean {
  const { type } = (body ?? {}) as { type?: unknown };
  return type === 'Microsoft.Compute/virtualMachineScaleSets';
}
