import { expect, test } from 'vitest';
import type { ImageManifest } from '../model/image.ts';
import { type LayerView, planLayerRemoval } from './layer-removal.ts';

/** One letter per layer, base first: `abc` is a base and two layers on it. */
function image(letters: string): ImageManifest {
  return {
    layers: Array.from(letters).map((digest) => ({ digest, sizeBytes: 10 })),
    boot: { kernel: 'k', modules: 'm', release: 'r' },
    osDiskSizeBytes: 1,
  };
}

function view(layers: string, uses: readonly string[], holds = 0): LayerView {
  return {
    layers: Array.from(layers).map((digest) => ({ digest, sizeBytes: 10, base: digest === 'a' })),
    uses: uses.map((letters) => ({ by: letters, image: image(letters) })),
    holds,
  };
}

test.each([
  ['every layer is used', view('abc', ['abc']), { kind: 'nothing' }],
  ['there is none', view('', []), { kind: 'nothing' }],
  ['a base image is kept though nobody uses it', view('a', []), { kind: 'nothing' }],
  [
    'the top of a deleted version',
    view('abc', ['ab']),
    { kind: 'remove', digests: ['c'], sizeBytes: 10 },
  ],
  ['a layer in the middle of another version', view('abc', ['abc']), { kind: 'nothing' }],
  [
    'two versions of one base',
    view('abcd', ['abd']),
    { kind: 'remove', digests: ['c'], sizeBytes: 10 },
  ],
  ['a use keeps what is not listed as well', view('ab', ['abx']), { kind: 'nothing' }],
  [
    'what nobody uses at all',
    view('abc', []),
    { kind: 'remove', digests: ['b', 'c'], sizeBytes: 20 },
  ],
])('%s', (_why, given, expected) => {
  expect(planLayerRemoval(given)).toEqual(expected);
});

test('while a run may be making layers it waits, and says so', () => {
  expect(planLayerRemoval(view('abc', ['ab'], 1))).toEqual({
    kind: 'wait',
    sentence:
      '1 layer(s) look unused, but 1 image run(s) may be making them: waiting for the end of the run(s).',
  });
});
