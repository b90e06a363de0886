import { expect, test } from 'vitest';
import {
  childId,
  parentId,
  parseResourceId,
  providerResourceId,
  resourceGroupId,
  resourceKey,
  resourceName,
  sameResource,
} from './resource-id.ts';

const SET =
  '/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/virtualMachineScaleSets/Web';

test('ids compare without case, doubled slashes and a slash at the end', () => {
  expect(resourceKey('//subscriptions/S//resourcegroups/g/')).toBe(
    '/subscriptions/s/resourcegroups/g',
  );
  expect(sameResource(SET, `${SET.toUpperCase()}/`)).toBe(true);
  expect(sameResource(SET, `${SET}2`)).toBe(false);
});

test('a nested id knows its parts and keeps their casing', () => {
  expect(parseResourceId(`${SET}/virtualMachines/0`)).toEqual({
    subscriptionId: 's',
    resourceGroup: 'G',
    scope: '/subscriptions/s/resourceGroups/G',
    namespace: 'Microsoft.Compute',
    types: ['virtualMachineScaleSets', 'virtualMachines'],
    names: ['Web', '0'],
  });
});

test('an extension id hangs on the resource before its last providers', () => {
  const id = providerResourceId(SET, 'Rollset.Fleet', 'quarantines', '1.4.0');
  expect(parseResourceId(id)).toMatchObject({
    scope: SET,
    namespace: 'Rollset.Fleet',
    names: ['1.4.0'],
  });
  expect(parentId(id)).toBe(SET);
});

test.each([
  ['a nested resource', childId(SET, 'virtualMachines', '0'), SET],
  ['a top-level resource', SET, '/subscriptions/s/resourceGroups/G'],
  ['a resource group', resourceGroupId('s', 'G'), '/subscriptions/s/resourceGroups/G'],
])('the parent of %s', (_what, id, parent) => {
  expect(parentId(id)).toBe(parent);
});

test.each([
  '',
  'web',
  '/subscriptions/s/resourceGroups/g/providers/N/type',
  '/subscriptions/s/providers/N',
])('not an id: %j', (text) => {
  expect(parseResourceId(text)).toBeUndefined();
});

test('the name is the last part, whatever slashes follow', () => {
  expect(resourceName(`${SET}//`)).toBe('Web');
});
