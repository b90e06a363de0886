// A toy control plane for the tests of the core: declarations that no product has, one request at a
// time, no network.
import { Hono } from 'hono';
import { z } from 'zod';
import { openStore } from '../../store/sqlite-store.ts';
import type { Store } from '../../store/store.ts';
import { createArmHandler } from './arm-handler.ts';
import { defineComputed, defineInline, defineResource } from './declaration.ts';
import type { Declaration } from './declaration.ts';
import { requestIds } from './request-ids.ts';
import type { RequestIds } from './request-ids.ts';
import { toJson } from './put-resource.ts';
import { isTrue } from './unsupported.ts';

export const ROOT = '/subscriptions/s1';
export const TOYS = `${ROOT}/resourceGroups/box/providers/Toy.Shop/toys`;

const anyName = {
  accepts: (name: string) => /^[a-z0-9]+$/i.test(name),
  rule: 'letters and digits',
};

const groups = defineResource({
  type: 'Microsoft.Resources/resourceGroups',
  scope: 'subscription',
  verbs: ['get', 'list', 'put', 'delete'],
  name: anyName,
  location: 'tracked',
  schema: z.looseObject({ location: z.string() }),
  put: 'sync',
  delete: 'sync',
});

const toys = defineResource({
  type: 'Toy.Shop/toys',
  scope: 'resourceGroup',
  verbs: ['get', 'list', 'put', 'patch', 'delete'],
  name: anyName,
  location: 'tracked',
  schema: z.looseObject({
    location: z.string(),
    tags: z.record(z.string(), z.string()).optional(),
    properties: z.looseObject({
      colour: z.enum(['Red', 'Blue']).default('Red'),
      wheels: z.int().min(0).max(8).default(4),
      loud: z.boolean().optional(),
      paint: z.looseObject({ id: z.string().optional() }).optional(),
      parts: z.array(z.looseObject({ name: z.string() })).default([]),
    }),
  }),
  put: { operation: 'scaleSet.put' },
  delete: { operation: 'scaleSet.delete' },
  mergePut: { wholesale: ['tags', 'properties.paint'] },
  unsupported: [['properties.parts[].glued', isTrue, 'Use screws.']],
  prepare: ({ body }) => {
    const { secret, ...properties } = body.properties;
    const internal = typeof secret === 'string' ? { secret } : {};
    return { body: toJson({ ...body, properties }), internal };
  },
  actions: {
    shake: { method: 'POST', run: () => Promise.resolve({ answer: { noise: 'rattle' } }) },
    'repairs/start': {
      method: 'POST',
      run: ({ body }) => Promise.resolve({ operation: { kind: 'scaleSet.reimage', input: body } }),
    },
  },
});

const wheels = defineResource({
  type: 'Toy.Shop/toys/wheels',
  verbs: ['get', 'list', 'put', 'delete'],
  name: anyName,
  location: 'none',
  schema: z.looseObject({}),
  put: 'sync',
  delete: 'sync',
});

const labels = defineResource({
  type: 'Toy.Labels/labels',
  scope: 'extension',
  extends: ['Toy.Shop/toys'],
  verbs: ['get', 'list', 'put', 'delete'],
  name: anyName,
  location: 'none',
  schema: z.looseObject({}),
  put: 'sync',
  delete: 'sync',
});

const parts = defineInline({
  type: 'Toy.Shop/toys/parts',
  property: 'parts',
  verbs: ['get', 'list', 'put', 'delete'],
});

const broken = defineComputed({
  type: 'Toy.Shop/toys/secrets',
  get: () => Promise.reject(new Error('the safe jammed')),
});

export const TOY_DECLARATIONS: readonly Declaration[] = [
  groups,
  toys,
  wheels,
  labels,
  parts,
  broken,
];

type ToyBody = Record<string, unknown> & {
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly details?: readonly { readonly target: string }[];
  };
  readonly value?: readonly Record<string, unknown>[];
  readonly properties?: Record<string, unknown>;
  readonly nextLink?: string;
  readonly etag?: string;
};
export type ToyReply = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ToyBody;
};

export class ToyShop {
  readonly store: Store;
  readonly logged: string[] = [];
  readonly #app: Hono<{ Variables: RequestIds }>;
  #ids = 0;

  private constructor(store: Store) {
    this.store = store;
    const ids = { uuid: () => `id-${(this.#ids += 1)}`, short: () => 'x' };
    const logger = {
      info: () => {},
      error: (_fields: object, text: string) => void this.logged.push(text),
    };
    const clock = { now: () => Date.parse('2026-03-02T12:00:00Z'), sleep: () => Promise.resolve() };
    this.#app = new Hono<{ Variables: RequestIds }>();
    this.#app.use('*', requestIds(ids));
    this.#app.all(
      '*',
      createArmHandler(
        { store, clock, ids, logger, subscriptionId: 's1', token: 't' },
        TOY_DECLARATIONS,
      ),
    );
  }

  /** With the group `box` in it. */
  static async open(): Promise<ToyShop> {
    const shop = new ToyShop(await openStore(':memory:'));
    await shop.send('PUT', `${ROOT}/resourceGroups/box`, { location: 'westus' });
    return shop;
  }

  close(): Promise<void> {
    return this.store.close();
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<ToyReply> {
    const version = path.includes('api-version')
      ? ''
      : `${path.includes('?') ? '&' : '?'}api-version=2024-01-01`;
    const origin = path.startsWith('https:') ? '' : 'https://toys.test:8443';
    const response = await this.#app.fetch(
      new Request(`${origin}${path}${version}`, {
        method,
        headers: { authorization: 'Bearer t', ...headers },
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      }),
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : JSON.parse(text),
    };
  }
}
