import { expect, test } from 'vitest';
import type { JsonObject } from '../model/resource.ts';
import { parseImageTemplate } from './template.ts';
import { DEFINITION, resourcePut, TEMPLATE, templateProperties } from './testing.ts';

function parse(overrides: JsonObject = {}, tags: JsonObject = {}) {
  const body = { location: 'West Europe', tags, properties: templateProperties(overrides) };
  return parseImageTemplate(resourcePut(TEMPLATE, body).body);
}

test('defaults are Azure’s: 240 minutes, Full replication, one replica; the VM is ours', () => {
  expect(parse()).toMatchObject({
    name: 'guestbook-1',
    location: 'West Europe',
    source: { kind: 'base', alias: 'debian-12' },
    continueDistributeOnFailure: false,
    buildTimeoutMs: 240 * 60_000,
    vCPUs: 1,
    memoryMib: 1024,
    distribute: [
      {
        definitionId: DEFINITION,
        version: '1.0.0',
        targetRegions: [],
        excludeFromLatest: false,
        replicationMode: 'Full',
      },
    ],
  });
  expect(parse({ buildTimeoutInMinutes: 0 }).buildTimeoutMs).toBe(240 * 60_000);
});

test('the build VM has the size asked for, its memory by our tag', () => {
  const vmProfile = { vmSize: 'standard_b2s' };
  expect(parse({ vmProfile })).toMatchObject({ vCPUs: 2, memoryMib: 4096 });
  expect(parse({ vmProfile }, { 'rollset:memoryMiB': '512' })).toMatchObject({
    vCPUs: 2,
    memoryMib: 512,
  });
});

const shared = (more: JsonObject): JsonObject => ({
  distribute: [{ type: 'SharedImage', runOutputName: 'out', galleryImageId: DEFINITION, ...more }],
});

test('versioning by major, regions with replicas', () => {
  const { distribute } = parse(
    shared({
      versioning: { scheme: 'Latest', major: 2 },
      targetRegions: [{ name: 'West Europe', replicaCount: 3 }, { name: 'eastus' }],
    }),
  );
  expect(distribute[0]).toMatchObject({
    major: 2,
    targetRegions: [
      { name: 'West Europe', replicaCount: 3, storageAccountType: 'Standard_LRS' },
      { name: 'eastus', replicaCount: 1 },
    ],
  });
  expect(distribute[0]).not.toHaveProperty('version');
  const unset = parse(shared({ versioning: { scheme: 'Latest', major: -1 } }));
  expect(unset.distribute[0]).not.toHaveProperty('major');
});

const version = (id: string): JsonObject => ({
  source: { type: 'SharedImageVersion', imageVersionId: id },
});

test.each([
  ['…/versions/1.2.3', `${DEFINITION}/versions/1.2.3`, { version: '1.2.3' }],
  ['…/versions/latest', `${DEFINITION}/versions/latest`, {}],
  ['a definition', DEFINITION, {}],
])('a gallery source: %s', (_what, id, expected) => {
  expect(parse(version(id)).source).toEqual({
    kind: 'version',
    definitionId: DEFINITION,
    ...expected,
  });
});

test.each<[string, JsonObject, string, RegExp]>([
  [
    'a managed image',
    { source: { type: 'ManagedImage' } },
    'BadManagedImageSource',
    /not supported/,
  ],
  ['an unknown source', { source: { type: 'Tape' } }, 'BadSourceType', /"Tape"/],
  [
    'half a platform image',
    { source: { type: 'PlatformImage' } },
    'BadPIRSource',
    /needs publisher/,
  ],
  ['a bad version', version(`${DEFINITION}/versions/1.2`), 'BadSharedImageVersionSource', /1\.2"/],
  ['a VHD', { distribute: [{ type: 'VHD' }] }, 'BadDistributeType', /distribute\[0\]: type VHD/],
  ['no target', { distribute: [] }, 'Other', /^ImageTemplate\.properties\.distribute/],
  ['a bad target', shared({ galleryImageId: '/x' }), 'BadSharedImageDistribute', /"\/x"/],
  [
    'a bad output name',
    shared({ runOutputName: 'a b' }),
    'BadSharedImageDistribute',
    /runOutputName/,
  ],
  ['a VM size nobody knows', { vmProfile: { vmSize: 'Tiny' } }, 'Other', /"Tiny"/],
  ['a larger disk', { vmProfile: { osDiskSizeGB: 64 } }, 'Other', /osDiskSizeGB is not supported/],
  ['kept build VMs', { errorHandling: { onCustomizerError: 'abort' } }, 'Other', /"abort"/],
  ['sourceValidationOnly', { validate: { sourceValidationOnly: true } }, 'Other', /not supported/],
])('refuses %s by name', (_what, overrides, code, message) => {
  let thrown: unknown;
  try {
    parse(overrides);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toMatchObject({ name: 'TemplateError', code });
  expect((thrown as Error).message).toMatch(message);
});
