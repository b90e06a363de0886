// Sends what the bake needs to the storage account; what lies there already is not sent again.
import { z } from 'zod';
import type { JsonObject } from '../../model/resource.ts';
import type { ArmClient } from '../client/arm-client.ts';
import type { BlobClient } from '../client/blob-client.ts';
import { compileSas, compileStorage } from '../pipeline/compile.ts';
import { API_VERSIONS } from '../pipeline/arm-request.ts';
import type { CompileContext } from '../pipeline/compile.ts';
import type { Pipeline } from '../pipeline/load.ts';
import type { PipelineNames } from '../pipeline/names.ts';
import type { Output } from '../terminal/output.ts';
import type { Interrupt } from './interrupt.ts';
import { SAS_LIFETIME_MS } from './limits.ts';

const accountSchema = z.looseObject({
  properties: z.looseObject({ primaryEndpoints: z.looseObject({ blob: z.url() }) }),
});
const sasSchema = z.looseObject({ serviceSasToken: z.string().min(1) });

/** Where the sources lie now, and the signed query that reads them. */
export type Storage = Pick<CompileContext, 'blobEndpoint' | 'readToken'>;

export async function uploadSources(
  pipeline: Pipeline,
  place: Pick<CompileContext, 'subscriptionId' | 'resourceGroup'>,
  parts: {
    arm: ArmClient;
    blobs: BlobClient;
    output: Output;
    interrupt: Interrupt;
    now: number;
  },
): Promise<Storage> {
  const { arm, blobs, output, interrupt } = parts;
  const { names, requests } = compileStorage(pipeline, place);
  for (const request of requests) await arm.run(request, interrupt.signal);
  const account = accountSchema.parse(await arm.get(names.storageAccountId, API_VERSIONS.storage));
  const blobEndpoint = withSlash(account.properties.primaryEndpoints.blob);
  const expiry = new Date(parts.now + SAS_LIFETIME_MS).toISOString();
  // Two signatures: the one that ends in the template may only read.
  const writeToken = await signed(arm, names, 'rcw', expiry);
  const readToken = await signed(arm, names, 'r', expiry);
  for (const blob of pipeline.blobs) {
    interrupt.signal.throwIfAborted();
    const url = `${blobEndpoint}${names.container}/${blob.name}?${writeToken}`;
    if (await blobs.exists(url)) continue;
    await blobs.put(url, blob.content);
    output.line(`sent ${describeSize(blob.content.length)} of sources`);
  }
  return { blobEndpoint, readToken };
}

async function signed(
  arm: ArmClient,
  names: PipelineNames,
  permissions: string,
  expiry: string,
): Promise<string> {
  const answer: JsonObject = await arm.run(compileSas(names, permissions, expiry));
  return sasSchema.parse(answer).serviceSasToken.replace(/^\?/, '');
}

function withSlash(url: string): string {
  return url.endsWith('/') ? url : `${url}/`;
}

export function describeSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const kib = bytes / 1024;
  return kib < 1024 ? `${kib.toFixed(1)} KiB` : `${(kib / 1024).toFixed(1)} MiB`;
}
