import { expect, test } from 'vitest';
import { ManualClock } from '../support/testing.ts';
import { submitTemplate } from './submission.ts';
import { DEFINITION, resourcePut, TEMPLATE, templateProperties } from './testing.ts';

const engine = {
  describe: async () => ({ name: 'qemu', accelerator: 'tcg', version: '7' }) as const,
  listBaseImages: async () => ['debian-12', 'alpine'],
};

test.each([
  [
    { type: 'PlatformImage', publisher: 'Canonical', offer: 'x', sku: 'y', version: 'latest' },
    'There is no base image Canonical:x:y:latest here. Base images: debian-12, alpine; platform images: Debian:debian-12:12:latest.',
  ],
  [
    { type: 'SharedImageVersion', imageVersionId: `${DEFINITION}/versions/3.2.1` },
    `The source image ${DEFINITION}/versions/3.2.1 does not exist.`,
  ],
])('a source that is not there is told at submission: %j', async (source, message) => {
  const { body } = resourcePut(TEMPLATE, { properties: templateProperties({ source }) });
  const submission = submitTemplate(
    body,
    {
      engine,
      store: { get: async () => undefined },
      clock: new ManualClock(),
      dataFolder: '/nonexistent',
      fetchSource: async () => {},
    },
    new AbortController().signal,
  );
  await expect(submission).rejects.toThrow(message);
});
