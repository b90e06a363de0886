// Where a run keeps its logs.
import { join } from 'node:path';

export function runFolder(dataFolder: string, runId: string): string {
  return join(dataFolder, 'builds', runId);
}
