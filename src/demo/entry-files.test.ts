// Files and entries are compared by instance: the right entry on the wrong disk is a loss.
import { expect, test } from 'vitest';
import { changedFiles, lostEntries, parseHashes } from './entry-files.ts';

const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

test('sha256sum output is read line by line, and anything else is refused', () => {
  expect(parseHashes(`${A}  ./1.json\n${B}  ./2.json\n`)).toEqual(
    new Map([
      ['1.json', A],
      ['2.json', B],
    ]),
  );
  expect(parseHashes('')).toEqual(new Map());
  expect(() => parseHashes('sha256sum: 1.json: Input/output error')).toThrow(
    'not a line of sha256sum',
  );
});

test('a file that is missing, changed or on another instance counts as changed; a new one does not', () => {
  const before = new Map([
    [
      'vm0',
      new Map([
        ['1', A],
        ['2', A],
        ['3', A],
      ]),
    ],
  ]);
  const after = new Map([
    [
      'vm0',
      new Map([
        ['1', A],
        ['2', B],
        ['9', B],
      ]),
    ],
    ['vm1', new Map([['3', A]])],
  ]);
  expect(changedFiles(before, after)).toEqual(['vm0/2', 'vm0/3']);
});

test('an entry is kept only by the instance that acknowledged it, with its text', () => {
  const entry = (id: string, instance: string, text: string) => ({ id, instance, text });
  const found = new Map([
    [
      'vm0',
      [
        { id: '1', text: 'grace: entry 1' },
        { id: '3', text: 'other' },
      ],
    ],
    ['vm1', [{ id: '2', text: 'entry 2' }]],
  ]);
  const wrongDisk = entry('2', 'vm0', 'entry 2');
  const otherText = entry('3', 'vm0', 'entry 3');
  expect(lostEntries([entry('1', 'vm0', 'entry 1'), wrongDisk, otherText], found)).toEqual([
    wrongDisk,
    otherText,
  ]);
});
