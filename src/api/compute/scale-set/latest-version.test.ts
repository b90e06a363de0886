// Which versions a set may start, as the API shows them: with its quarantines, and through updates.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resolveLatest } from '../../../planning/gallery/latest.ts';
import { TestApi } from '../../testing.ts';
import { readVersionsOfSet } from '../../../gallery/read-versions.ts';
import { DEFINITION, SCALE_SET, shopScaleSetBody } from './testing.ts';

let api: TestApi;
beforeEach(async () => {
  api = await TestApi.open();
  await api.makeShop();
  await api.must('PUT', SCALE_SET, shopScaleSetBody());
  await api.publish('1.1.0');
});
afterEach(() => api.close());

async function latest(): Promise<string | undefined> {
  return resolveLatest(
    (await readVersionsOfSet(api.store, DEFINITION, SCALE_SET)).candidates,
    'westus',
  ).latest;
}

test('a quarantine takes a version from latest for this set alone, until it is lifted', async () => {
  const quarantine = `${SCALE_SET}/providers/Rollset.Fleet/quarantines/1.1.0`;
  await api.must('PUT', quarantine, { properties: { reason: 'leaks' } });
  expect(await latest()).toBe('1.0.0');
  const { candidates: elsewhere } = await readVersionsOfSet(
    api.store,
    DEFINITION,
    `${SCALE_SET}-2`,
  );
  expect(resolveLatest(elsewhere, 'westus').latest).toBe('1.1.0');
  await api.must('DELETE', quarantine);
  expect(await latest()).toBe('1.1.0');
});

test('excludeFromLatest holds at once', async () => {
  const exclude = { properties: { publishingProfile: { excludeFromLatest: true } } };
  await api.must('PATCH', `${DEFINITION}/versions/1.1.0`, exclude);
  expect(await latest()).toBe('1.0.0');
});

test('a version that gets one more region stays latest while that goes on', async () => {
  const targetRegions = [{ name: 'westus' }, { name: 'eastus' }];
  const { body } = await api.must('PATCH', `${DEFINITION}/versions/1.1.0`, {
    properties: { publishingProfile: { targetRegions } },
  });
  expect(body).toMatchObject({ properties: { provisioningState: 'Updating' } });
  expect(await latest()).toBe('1.1.0');
});
