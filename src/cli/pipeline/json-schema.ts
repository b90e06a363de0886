// The JSON Schema of the pipeline file, for editors: made from the validator itself. Pure.
import { z } from 'zod';
import { pipelineSchema } from './schema.ts';

export function pipelineJsonSchema(): Record<string, unknown> {
  return {
    ...z.toJSONSchema(pipelineSchema, { io: 'input' }),
    title: 'rollset.yaml',
    description: 'One app, its image, its fleet and how versions roll out.',
  };
}
