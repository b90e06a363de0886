// What a crash leaves, taken away at the next start: runs that had begun, their VMs, half files.
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { commitAgain } from '../operations/commit-again.ts';
import { listOpenOperations } from '../operations/operations.ts';
import type { Stored } from '../store/store.ts';
import { isoTime } from '../support/clock.ts';
import { RUN_FOLDERS_KEPT } from './limits.ts';
import { readRunRows } from './run/image-template-run.ts';
import { hasBegun, runEndWrites } from './run/last-run.ts';
import { failedOutcome, INTERRUPTED_SENTENCE } from './run/outcome.ts';
import { interrupted, newReport, readReport, reportId } from './run/report.ts';
import { RunEnded } from './run/step-failure.ts';
import type { ImageTemplateRunnerDeps } from './runner.ts';
import { resourceKey } from '../model/resource-id.ts';

/**
 * Deletes every build and validation VM, none of which has a run now, then ends the runs that had
 * begun. Runs that were waiting stay open: they are simply queued again.
 */
export async function unwindRuns(deps: ImageTemplateRunnerDeps): Promise<void> {
  const { engine, logger, store } = deps;
  for (const { kind, vmId } of await engine.list()) {
    if (kind === 'instance') continue;
    await engine.delete(vmId);
    logger.info({ vmId }, 'removed a VM of an interrupted image run');
  }
  for (const operation of await listOpenOperations(store, { kind: 'imageTemplate.run' })) {
    await unwindRun(operation, deps);
  }
}

async function unwindRun(
  operation: Stored<'operation'>,
  deps: ImageTemplateRunnerDeps,
): Promise<void> {
  const { clock, logUri, store } = deps;
  const uri = logUri(operation.key, 'customization.log');
  const { cancelRequested } = operation.body;
  const why = cancelRequested ? 'canceled' : 'stopped';
  const sentence = cancelRequested ? 'The run was canceled.' : INTERRUPTED_SENTENCE;
  const outcome = failedOutcome(new RunEnded(why, sentence), sentence);
  await commitAgain(store, async () => {
    const rows = await readRunRows(deps, operation);
    if (rows?.template === undefined || !hasBegun(rows.template.body, operation.key)) return [];
    const stored = await store.get('resource', resourceKey(reportId(rows.template.body.id)));
    const report = readReport(stored?.body) ?? newReport(operation.key, uri, []);
    const ended = interrupted(report, isoTime(clock.now()));
    return runEndWrites(
      rows,
      { outcome, report: ended, message: `${sentence}\nLog: ${uri}` },
      clock.now(),
    );
  });
}

/** Half-fetched files; of the logs the newest are kept. */
export async function sweepBuilds({
  dataFolder,
}: Pick<ImageTemplateRunnerDeps, 'dataFolder'>): Promise<void> {
  const builds = join(dataFolder, 'builds');
  const runs: { readonly path: string; readonly changedMs: number }[] = [];
  for (const name of await namesIn(builds)) {
    const path = join(builds, name);
    if (name === 'templates') {
      await sweepTemplates(path);
      continue;
    }
    runs.push({ path, changedMs: (await stat(path)).mtimeMs });
  }
  const old = runs.toSorted((a, b) => b.changedMs - a.changedMs).slice(RUN_FOLDERS_KEPT);
  for (const { path } of old) await rm(path, { recursive: true, force: true });
}

async function sweepTemplates(folder: string): Promise<void> {
  for (const template of await namesIn(folder)) {
    const parts = (await namesIn(join(folder, template))).filter((name) => name.endsWith('.part'));
    for (const name of parts) await rm(join(folder, template, name), { force: true });
  }
}

async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  });
}
