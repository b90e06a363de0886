// Where a run keeps its logs and, while it goes, its work.
import { join } from 'node:path';

export function runFolder(dataFolder: string, runId: string): string {
  return join(dataFolder, 'builds', runId);
}

/** Scripts on their way into a guest; removed when the run ends. */
export function workFolder(dataFolder: string, runId: string): string {
  return join(runFolder(dataFolder, runId), 'work');
}
