// The whole API on a store in memory, asked without a network; and a group with all that a scale
// set needs.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../model/resource.ts';
import { openStore } from '../store/sqlite-store.ts';
import type { Store } from '../store/store.ts';
import { systemClock } from '../support/clock.ts';
import { randomIds } from '../support/ids.ts';
import { createApi, createResourceDeleter } from './create-api.ts';
import type { ApiDependencies } from './create-api.ts';
import {
  DEFINITION,
  GROUP,
  LOAD_BALANCER,
  row,
  shopLoadBalancerBody,
  SUBNET,
} from './compute/scale-set/testing.ts';

export type TestReply = {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
};

/** Of an image that nobody starts. */
const MANIFEST: JsonObject = {
  layers: [{ digest: `sha256:${'a'.repeat(64)}`, sizeBytes: 1 }],
  boot: { kernel: `sha256:${'b'.repeat(64)}`, modules: `sha256:${'c'.repeat(64)}`, release: '6.1' },
  osDiskSizeBytes: 1,
};

export class TestApi {
  readonly store: Store;
  readonly dependencies: ApiDependencies;
  readonly logged: unknown[];
  readonly #app: ReturnType<typeof createApi>;

  private constructor(store: Store, dependencies: ApiDependencies, logged: unknown[]) {
    this.store = store;
    this.dependencies = dependencies;
    this.logged = logged;
    this.#app = createApi(dependencies);
  }

  static async open(): Promise<TestApi> {
    const store = await openStore(':memory:');
    const logged: unknown[] = [];
    const dependencies: ApiDependencies = {
      store,
      clock: systemClock,
      ids: randomIds,
      logger: { info: () => {}, error: (fields) => void logged.push(fields) },
      token: 'token',
      subscriptionId: '5b8e',
      tenantId: 'tenant',
      dataFolder: await mkdtemp(join(tmpdir(), 'rollset-api-')),
      sasKey: new Uint8Array(32).fill(1),
      readConsole: () => Promise.resolve(''),
    };
    return new TestApi(store, dependencies, logged);
  }

  async close(): Promise<void> {
    await this.store.close();
    await rm(this.dependencies.dataFolder, { recursive: true, force: true });
  }

  get deleteResource(): ReturnType<typeof createResourceDeleter> {
    return createResourceDeleter(this.dependencies);
  }

  async send(method: string, path: string, body?: unknown): Promise<TestReply> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await this.#app.fetch(
      new Request(
        `https://api.test${path}${path.includes('?') ? '&' : '?'}api-version=2024-01-01`,
        {
          method,
          headers: { authorization: 'Bearer token' },
          ...(body === undefined ? {} : { body: text }),
        },
      ),
    );
    const reply = await response.text();
    const json = reply.startsWith('{') ? (JSON.parse(reply) as unknown) : reply;
    return { status: response.status, body: json, headers: response.headers };
  }

  /** Sends and throws unless it was accepted: for the beginning of a test. */
  async must(method: string, path: string, body?: unknown): Promise<TestReply> {
    const reply = await this.send(method, path, body);
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(reply.body)}`);
    return reply;
  }

  /** Gallery, definition with a published version, network and load balancer. */
  async makeShop(): Promise<void> {
    await this.must('PUT', GROUP, { location: 'westus' });
    await this.must('PUT', DEFINITION.replace(/\/images\/.*/, ''), { location: 'westus' });
    await this.must('PUT', DEFINITION, definitionBody());
    await this.publish('1.0.0');
    const network = SUBNET.replace(/\/subnets\/.*/, '');
    const subnets = [{ name: 'default', properties: { addressPrefix: '10.0.0.0/24' } }];
    await this.must('PUT', network, { location: 'westus', properties: { subnets } });
    await this.must('PUT', LOAD_BALANCER, shopLoadBalancerBody());
  }

  /** As the publisher does it. */
  async publish(version: string): Promise<void> {
    const id = `${DEFINITION}/versions/${version}`;
    const publishingProfile = { targetRegions: [{ name: 'westus' }] };
    const body = row(
      id,
      'Microsoft.Compute/galleries/images/versions',
      {
        location: 'westus',
        properties: { publishingProfile },
      },
      { internal: { manifest: MANIFEST } },
    );
    await this.store.commit([
      {
        put: 'resource',
        key: id.toLowerCase(),
        parent: DEFINITION.toLowerCase(),
        type: 'microsoft.compute/galleries/images/versions',
        body,
      },
    ]);
  }
}

export function definitionBody(): JsonObject {
  const identifier = { publisher: 'shop', offer: 'shop', sku: 'shop' };
  return {
    location: 'westus',
    properties: { identifier, osType: 'Linux', osState: 'Generalized' },
  };
}

export function templateBody(): JsonObject {
  return {
    location: 'westus',
    properties: {
      source: { type: 'PlatformImage', publisher: 'Debian', offer: 'debian-12', sku: '12' },
      customize: [{ type: 'Shell', name: 'install', inline: ['true'] }],
      validate: { inVMValidations: [{ type: 'Shell', inline: ['true'] }] },
      distribute: [{ type: 'SharedImage', runOutputName: 'out', galleryImageId: DEFINITION }],
    },
  };
}
