import { expect, test } from 'vitest';
import { chooseVersion } from './choose-version.ts';

test.each([
  ['the first one', undefined, [], undefined, { version: '1.0.0' }],
  [
    'highest + 1 patch, numerically',
    undefined,
    ['1.9.0', '1.10.3'],
    '1.10.3',
    { version: '1.10.4' },
  ],
  ['above a quarantined one too', undefined, ['1.0.0', '2.0.0'], '1.0.0', { version: '2.0.1' }],
  ['one that was asked for', '2.0.0', ['1.0.0'], '1.0.0', { version: '2.0.0' }],
  [
    'a lower one, which no fleet will pick',
    '0.9.0',
    ['1.0.0'],
    '1.0.0',
    { version: '0.9.0', lowerThan: '1.0.0' },
  ],
  ['lower than a quarantined one only', '1.1.0', ['1.0.0', '2.0.0'], '1.0.0', { version: '1.1.0' }],
] as const)('%s', (_what, requested, existing, latest, expected) => {
  expect(chooseVersion({ requested, existing, latest })).toEqual(expected);
});

test.each([
  [
    '1.0.0',
    /version 1\.0\.0 exists already and cannot be changed: leave --version out for 1\.0\.1/,
  ],
  ['1.0', /--version 1\.0 is not a version: write major\.minor\.patch, e\.g\. 1\.0\.1/],
  ['v2.0.0', /is not a version/],
])('%s is refused before anything is made', (requested, message) => {
  expect(() => chooseVersion({ requested, existing: ['1.0.0'], latest: '1.0.0' })).toThrow(message);
});
