// Ends the operations of image templates: submission, run, cancel, deletion.
//
// An operation is taken up when it appears and again after a restart. Submissions and deletions may
// simply be repeated; a run that had begun is unwound and ends as Failed, because half a build is
// worth nothing and a build VM without its run would hold memory for ever.
import { rm } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Engine, ImageEngine } from '../engines/engine.ts';
import type { LayerKeeper } from '../gallery/layer-keeper.ts';
import { commitAgain } from '../operations/commit-again.ts';
import { followOperations } from '../operations/follow-operations.ts';
import { endOperation, isOpen, listOpenOperations } from '../operations/operations.ts';
import { removeResource } from '../operations/remove-resource.ts';
import type { Store, Stored } from '../store/store.ts';
import type { Clock } from '../support/clock.ts';
import type { FetchSource } from './fetch-source.ts';
import { RUNS_AT_ONCE } from './limits.ts';
import { sweepBuilds, unwindRuns } from './recovery.ts';
import { RunQueue } from './run-queue.ts';
import { ImageTemplateRun } from './run/image-template-run.ts';
import type { LogFile } from './run/run-log.ts';
import { RunEnded } from './run/step-failure.ts';
import { submissionEnd, submitTemplate, templateFolder } from './submission.ts';

export type ImageTemplateRunnerDeps = {
  readonly store: Store;
  readonly engine: Engine & ImageEngine;
  readonly layers: LayerKeeper;
  readonly clock: Clock;
  readonly dataFolder: string;
  readonly logger: Logger;
  readonly fetchSource: FetchSource;
  /** Address of a run's log file, for people and clients. */
  readonly logUri: (runId: string, file: LogFile) => string;
  /** Texts no image may carry, such as the host's proxies: `hostTraces`. */
  readonly forbiddenInImages: readonly string[];
};

type ActiveOperation = { readonly abort: AbortController; readonly done: Promise<void> };

export class ImageTemplateRunner {
  readonly #deps: ImageTemplateRunnerDeps;
  readonly #queue = new RunQueue(RUNS_AT_ONCE);
  /** By operation id. */
  readonly #active = new Map<string, ActiveOperation>();
  #unfollow: () => void = () => {};

  constructor(deps: ImageTemplateRunnerDeps) {
    this.#deps = deps;
  }

  /** Unwinds what a crash interrupted, then takes up open operations and follows new ones. */
  async start(): Promise<void> {
    await unwindRuns(this.#deps);
    await sweepBuilds(this.#deps);
    const onError = (error: unknown) => {
      this.#deps.logger.error({ err: error }, 'reading an image template operation failed');
    };
    this.#unfollow = await followOperations(
      this.#deps.store,
      ['imageTemplate.put', 'imageTemplate.run', 'imageTemplate.cancel', 'imageTemplate.delete'],
      (operation) => this.#onOpen(operation),
      onError,
    );
  }

  /** Ends running builds as interrupted and returns when their VMs are gone. */
  async stop(): Promise<void> {
    this.#unfollow();
    const active = [...this.#active.values()];
    const why = new RunEnded('stopped', 'The control plane was stopped during this run.');
    for (const { abort } of active) abort.abort(why);
    await Promise.all(active.map(({ done }) => done));
  }

  /** Announced at least once, and again with each change: only then can it be a cancel. */
  #onOpen(operation: Stored<'operation'>): void {
    const { cancelRequested, operationId } = operation.body;
    const active = this.#active.get(operationId) ?? this.#take(operation);
    if (cancelRequested) active.abort.abort(new RunEnded('canceled', 'The run was canceled.'));
  }

  #take(operation: Stored<'operation'>): ActiveOperation {
    const abort = new AbortController();
    const done = this.#handle(operation, abort.signal)
      .catch((error: unknown) => this.#failed(operation, error))
      .finally(() => this.#active.delete(operation.key));
    const active = { abort, done };
    this.#active.set(operation.key, active);
    return active;
  }

  async #handle(operation: Stored<'operation'>, signal: AbortSignal): Promise<void> {
    switch (operation.body.kind) {
      case 'imageTemplate.put':
        return this.#submit(operation, signal);
      case 'imageTemplate.run':
        return new ImageTemplateRun(this.#deps, operation, signal).execute(this.#queue);
      case 'imageTemplate.delete':
        return this.#delete(operation);
      default:
        return this.#endStrayCancel(operation);
    }
  }

  async #submit(operation: Stored<'operation'>, signal: AbortSignal): Promise<void> {
    const { clock, store } = this.#deps;
    const template = await store.get('resource', operation.parent);
    const problem =
      template === undefined
        ? new Error(`The image template ${operation.body.resourceId} was removed meanwhile.`)
        : await submitTemplate(template.body, this.#deps, signal).then(
            () => undefined,
            (error: unknown) => error,
          );
    // Stopped in the middle: it stays open, and the next start repeats it.
    if (signal.aborted) return;
    await commitAgain(store, async () => {
      const [open, row] = await Promise.all([
        store.get('operation', operation.key),
        store.get('resource', operation.parent),
      ]);
      if (open === undefined || !isOpen(open)) return undefined;
      return submissionEnd(open, row, problem, clock.now());
    });
  }

  async #delete(operation: Stored<'operation'>): Promise<void> {
    const { clock, dataFolder, store } = this.#deps;
    const folder = templateFolder(dataFolder, operation.body.resourceId);
    await rm(folder, { recursive: true, force: true });
    await commitAgain(store, async () => {
      const open = await store.get('operation', operation.key);
      if (open === undefined || !isOpen(open)) return undefined;
      return [
        endOperation(open, { status: 'Succeeded' }, clock.now()),
        ...(await removeResource(store, operation.body.resourceId)),
      ];
    });
  }

  /** A cancel ends together with its run; one that came when no run was open ends by itself. */
  async #endStrayCancel(operation: Stored<'operation'>): Promise<void> {
    const { clock, store } = this.#deps;
    await commitAgain(store, async () => {
      const open = await store.get('operation', operation.key);
      const { resourceId } = operation.body;
      const runs = await listOpenOperations(store, { kind: 'imageTemplate.run', resourceId });
      if (open === undefined || !isOpen(open) || runs.length > 0) return undefined;
      return [endOperation(open, { status: 'Succeeded' }, clock.now())];
    });
  }

  /** A bug or a broken store: the operation must not stay open for ever. */
  async #failed(operation: Stored<'operation'>, error: unknown): Promise<void> {
    const { clock, logger, store } = this.#deps;
    const { kind, operationId, resourceId } = operation.body;
    logger.error({ err: error, operationId }, 'an image template operation failed');
    const why = error instanceof Error ? error.message : String(error);
    const message = `${kind} of ${resourceId} failed: ${why}`;
    const outcome = { status: 'Failed', error: { code: 'ServerError', message } } as const;
    await commitAgain(store, async () => {
      const open = await store.get('operation', operation.key);
      if (open === undefined || !isOpen(open)) return undefined;
      return [endOperation(open, outcome, clock.now())];
    }).catch((second: unknown) => {
      logger.error({ err: second, operationId }, 'ending that operation failed too');
    });
  }
}
