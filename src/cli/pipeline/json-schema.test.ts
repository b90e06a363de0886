import { readFile, writeFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { pipelineJsonSchema } from './json-schema.ts';

const FILE = 'schema/rollset.schema.json';

/** `UPDATE_SCHEMA=1 npx vitest run src/cli/pipeline/json-schema.test.ts` writes it anew. */
test('the published schema is the one of the validator', async () => {
  if (process.env['UPDATE_SCHEMA'] === '1') {
    await writeFile(FILE, `${JSON.stringify(pipelineJsonSchema(), null, 2)}\n`);
  }
  expect(JSON.parse(await readFile(FILE, 'utf8'))).toEqual(pipelineJsonSchema());
});
