// The core with a toy type: what every declaration gets without a line of its own.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endOperation } from '../../operations/operations.ts';
import { ROOT, TOYS, ToyShop } from './testing.ts';

let shop: ToyShop;
beforeEach(async () => {
  shop = await ToyShop.open();
});
afterEach(() => shop.close());

const CAR = `${TOYS}/Car`;
const carBody = { location: 'westus', properties: { colour: 'Blue' } };

test('a PUT answers 201 with defaults and the operation to poll, then 200', async () => {
  const created = await shop.send('PUT', CAR, carBody);
  expect(created).toMatchObject({
    status: 201,
    body: {
      id: CAR,
      name: 'Car',
      type: 'Toy.Shop/toys',
      properties: { colour: 'Blue', wheels: 4, provisioningState: 'Creating' },
    },
  });
  const url = created.headers.get('azure-asyncoperation') ?? '';
  expect(url).toMatch(
    /^https:\/\/toys\.test:8443\/subscriptions\/s1\/providers\/Toy\.Shop\/locations\/westus\/operations\/id-\d+\?api-version=2024-01-01$/,
  );
  expect(created.headers.get('retry-after')).toBe('1');
  expect((await shop.send('PUT', CAR, carBody)).status).toBe(200);
  expect((await shop.send('GET', url)).body).toMatchObject({ status: 'InProgress' });
});

test('row and operation are one commit, and the operation waits for the new generation', async () => {
  await shop.send('PUT', CAR, carBody);
  const before = await shop.store.changesSince(0);
  await shop.send('PUT', CAR, { location: 'westus', properties: { wheels: 6 } });
  const changes = (await shop.store.changesSince(0)).filter(
    ({ revision }) => revision > (before.at(-1)?.revision ?? 0),
  );
  expect(changes.map(({ kind }) => kind).toSorted()).toEqual(['operation', 'resource']);
  expect(new Set(changes.map(({ revision }) => revision)).size).toBe(1);
  const row = await shop.store.get('resource', CAR.toLowerCase());
  const operation = changes.find(({ kind }) => kind === 'operation');
  const stored = await shop.store.get('operation', operation?.key ?? '');
  expect([row?.body.generation, stored?.body.generation]).toEqual([2, 2]);
});

test('secrets put aside by prepare are never shown', async () => {
  const created = await shop.send('PUT', CAR, { ...carBody, properties: { secret: 'hush' } });
  expect(JSON.stringify(created.body)).not.toContain('hush');
  expect(JSON.stringify((await shop.send('GET', CAR)).body)).not.toContain('hush');
  expect((await shop.store.get('resource', CAR.toLowerCase()))?.body.internal).toEqual({
    secret: 'hush',
  });
});

test('names and casing of the first PUT stay; later casings find it', async () => {
  await shop.send(
    'PUT',
    `/SUBSCRIPTIONS/S1//resourcegroups/BOX/providers/toy.shop/TOYS/Car/`,
    carBody,
  );
  const again = await shop.send('PUT', `${TOYS}/CAR`, carBody);
  expect(again).toMatchObject({ status: 200, body: { id: CAR, name: 'Car' } });
});

test('PUT keeps what it omits, reads null as absent, and replaces what is whole', async () => {
  await shop.send('PUT', CAR, {
    location: 'westus',
    tags: { a: '1' },
    properties: { colour: 'Blue', paint: { id: 'x', gloss: 'high' } },
  });
  const { body } = await shop.send('PUT', CAR, {
    location: 'westus',
    properties: { colour: null, wheels: '6', PAINT: { id: 'y' }, LOUD: 'True' },
  });
  expect(body).toMatchObject({
    tags: { a: '1' },
    properties: { colour: 'Blue', wheels: 6, loud: true },
  });
  expect(body.properties?.['paint']).toEqual({ id: 'y' });
});

test('PATCH merges, null removes, tags are replaced', async () => {
  await shop.send('PUT', CAR, {
    location: 'westus',
    tags: { a: '1' },
    properties: { loud: true, wheels: 6 },
  });
  const { body, status } = await shop.send('PATCH', CAR, {
    tags: { b: '2' },
    properties: { loud: null },
  });
  expect(status).toBe(200);
  expect(body['tags']).toEqual({ b: '2' });
  expect(body.properties).toMatchObject({ wheels: 6 });
  expect(body.properties).not.toHaveProperty('loud');
});

test('read-only fields sent back are ignored', async () => {
  await shop.send('PUT', CAR, carBody);
  const { body } = await shop.send('GET', CAR);
  const back = await shop.send('PUT', CAR, {
    ...body,
    properties: { ...body.properties, provisioningState: 'Succeeded' },
  });
  expect(back).toMatchObject({
    status: 200,
    body: { properties: { provisioningState: 'Updating' } },
  });
  const row = await shop.store.get('resource', CAR.toLowerCase());
  expect(Object.keys(row?.body.body ?? {}).toSorted()).toEqual(['location', 'properties']);
});

test('all problems of a body come in one reply', async () => {
  const { status, body } = await shop.send('PUT', CAR, {
    location: 'westus',
    properties: { wheels: 9, colour: 'Green', parts: [{ name: 'a', glued: true }, {}] },
  });
  expect(status).toBe(400);
  expect(body.error?.details?.map(({ target }) => target)).toEqual([
    'properties.parts[0].glued',
    'properties.colour',
    'properties.wheels',
    'properties.parts[1].name',
  ]);
});

test('actions answer at once or by an operation', async () => {
  await shop.send('PUT', CAR, carBody);
  expect((await shop.send('POST', `${CAR}/SHAKE`)).body).toEqual({ noise: 'rattle' });
  const started = await shop.send('POST', `${CAR}/repairs/start`, { part: 'axle' });
  expect(started.status).toBe(202);
  const [operation] = await shop.store.list('operation', { type: 'scaleSet.reimage' });
  expect(operation?.body).toMatchObject({
    resourceId: CAR,
    input: { part: 'axle' },
    generation: 1,
  });
  expect((await shop.send('GET', `${CAR}/shake`)).status).toBe(405);
  expect((await shop.send('POST', `${TOYS}/none/shake`)).status).toBe(404);
});

test('the result of an operation is what the call would have answered', async () => {
  await shop.send('PUT', CAR, carBody);
  const started = await shop.send('POST', `${CAR}/repairs/start`);
  const monitor = started.headers.get('location') ?? '';
  expect(monitor).toMatch(/&monitor=true$/);
  const waiting = await shop.send('GET', monitor);
  expect([waiting.status, waiting.headers.get('retry-after')]).toEqual([202, '1']);
  const [operation] = await shop.store.list('operation', { type: 'scaleSet.reimage' });
  if (operation === undefined) throw new Error('no operation');
  await shop.store.commit([
    endOperation(operation, { status: 'Failed', error: { code: 'Stuck', message: 'no oil' } }, 0),
  ]);
  expect(await shop.send('GET', monitor)).toMatchObject({
    status: 409,
    body: { error: { code: 'Stuck', message: 'no oil' } },
  });
  const status = started.headers.get('azure-asyncoperation') ?? '';
  expect(await shop.send('GET', status)).toMatchObject({
    status: 200,
    body: { status: 'Failed', error: { code: 'Stuck' } },
  });
});

test('nested resources go before their parent, extension resources with it', async () => {
  await shop.send('PUT', CAR, carBody);
  await shop.send('PUT', `${CAR}/wheels/left`, {});
  await shop.send('PUT', `${CAR}/providers/Toy.Labels/labels/price`, {});
  expect(await shop.send('DELETE', CAR)).toMatchObject({
    status: 409,
    body: { error: { code: 'CannotDeleteResource' } },
  });
  expect((await shop.send('DELETE', `${CAR}/wheels/left`)).status).toBe(200);
  const deletion = await shop.send('DELETE', CAR);
  expect(deletion.status).toBe(202);
  expect((await shop.send('GET', CAR)).body.properties).toMatchObject({
    provisioningState: 'Deleting',
  });
  expect(await shop.send('PUT', `${CAR}/wheels/right`, {})).toMatchObject({ status: 409 });
  expect(await shop.send('POST', `${CAR}/shake`)).toMatchObject({ status: 409 });
});

test('an extension resource needs what it extends, of a type it extends', async () => {
  expect((await shop.send('PUT', `${CAR}/providers/Toy.Labels/labels/price`, {})).status).toBe(404);
  await shop.send('PUT', CAR, carBody);
  await shop.send('PUT', `${CAR}/wheels/left`, {});
  const wrong = await shop.send('PUT', `${CAR}/wheels/left/providers/Toy.Labels/labels/price`, {});
  expect(wrong).toMatchObject({ status: 400, body: { error: { code: 'InvalidResourceId' } } });
});

test('an inline element is read, written and deleted through its parent', async () => {
  await shop.send('PUT', CAR, { ...carBody, properties: { parts: [{ name: 'Door' }] } });
  expect((await shop.send('GET', `${CAR}/parts/door`)).body).toMatchObject({
    id: `${CAR}/parts/Door`,
    type: 'Toy.Shop/toys/parts',
  });
  expect((await shop.send('PUT', `${CAR}/parts/roof`, { properties: { open: true } })).status).toBe(
    201,
  );
  expect((await shop.send('GET', `${CAR}/parts`)).body.value).toHaveLength(2);
  expect((await shop.send('DELETE', `${CAR}/parts/DOOR`)).status).toBe(200);
  expect((await shop.send('GET', `${CAR}/parts/door`)).status).toBe(404);
  const row = await shop.store.get('resource', CAR.toLowerCase());
  expect(row?.body.body['properties']).toMatchObject({
    parts: [{ name: 'roof', properties: { open: true } }],
  });
});

test('a long list comes in pages that follow nextLink', async () => {
  for (let i = 0; i < 205; i += 1) await shop.send('PUT', `${TOYS}/t${i}`, carBody);
  const first = await shop.send('GET', `${ROOT}/providers/toy.shop/toys`);
  expect(first.body.value).toHaveLength(200);
  const second = await shop.send('GET', first.body.nextLink ?? '');
  expect(second.body.value).toHaveLength(5);
  expect(second.body).not.toHaveProperty('nextLink');
  const names = [...(first.body.value ?? []), ...(second.body.value ?? [])].map(({ name }) => name);
  expect(new Set(names).size).toBe(205);
  expect((await shop.send('GET', `${TOYS}?$skipToken=%%%`)).status).toBe(400);
});

test('a stale etag is refused, whoever wrote meanwhile', async () => {
  const { body } = await shop.send('PUT', CAR, carBody);
  const row = await shop.store.get('resource', CAR.toLowerCase());
  if (row === undefined) throw new Error('no row');
  const { kind: put, key, parent, type } = row;
  await shop.store.commit([
    { put, key, parent, type, body: { ...row.body, provisioningState: 'Succeeded' } },
  ]);
  const stale = await shop.send('PUT', CAR, carBody, { 'if-match': body.etag ?? '' });
  expect(stale).toMatchObject({ status: 412, body: { error: { code: 'PreconditionFailed' } } });
});

test('a hundred PUTs at once are all kept in order', async () => {
  await shop.send('PUT', CAR, carBody);
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, i) => shop.send('PATCH', CAR, { tags: { n: String(i) } })),
  );
  expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await shop.store.get('resource', CAR.toLowerCase()))?.body.generation).toBe(101);
});

test('an unknown error is a 500 with its request id, and nothing of its inside', async () => {
  await shop.send('PUT', CAR, carBody);
  const { status, body, headers } = await shop.send('GET', `${CAR}/secrets/x`);
  expect(status).toBe(500);
  expect(body.error?.code).toBe('InternalServerError');
  expect(body.error?.message).toContain(headers.get('x-ms-request-id'));
  expect(JSON.stringify(body)).not.toContain('jammed');
  expect(shop.logged).toEqual(['request failed']);
});
