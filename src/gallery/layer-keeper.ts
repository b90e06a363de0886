// Removes image layers by plan, and never while a run holds them.
import type { ImageEngine } from '../engines/engine.ts';
import type { ImageManifest } from '../model/image.ts';
import type { Store } from '../store/store.ts';
import { type LayerUse, planLayerRemoval } from './layer-removal.ts';
import { manifestOf } from './manifest.ts';
import { VERSION_TYPE } from './version-row.ts';
import type { Logger } from 'pino';

export type LayerKeeperDeps = {
  readonly store: Store;
  readonly engine: Pick<ImageEngine, 'listLayers' | 'removeLayer'>;
  readonly logger: Logger;
};

export class LayerKeeper {
  readonly #deps: LayerKeeperDeps;
  #holds = 0;
  /** A removal was asked for while layers were held; it runs when the last hold ends. */
  #owed = false;
  #removal: Promise<void> = Promise.resolve();

  constructor(deps: LayerKeeperDeps) {
    this.#deps = deps;
  }

  /** Keeps every layer as it is until the returned function is called. */
  async hold(): Promise<() => void> {
    this.#holds += 1;
    await this.#removal;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#holds -= 1;
      if (this.#holds === 0 && this.#owed) void this.removeUnused();
    };
  }

  /** Removes what nobody uses, now or when the last hold ends. A failure is logged: it can wait. */
  removeUnused(): Promise<void> {
    this.#removal = this.#removal.then(() =>
      this.#remove().catch((error: unknown) => {
        this.#deps.logger.error({ err: error }, 'removing unused image layers failed');
      }),
    );
    return this.#removal;
  }

  async #remove(): Promise<void> {
    const { engine, logger, store } = this.#deps;
    const layers = await engine.listLayers();
    const uses = await readLayerUses(store);
    // Read last: a hold taken while the rows were read counts.
    const plan = planLayerRemoval({ layers, uses, holds: this.#holds });
    this.#owed = plan.kind === 'wait';
    if (plan.kind !== 'remove') return;
    for (const digest of plan.digests) {
      await engine.removeLayer(digest);
      logger.info({ digest }, 'removed an image layer that nobody uses');
    }
  }
}

/** Every image that a row needs: versions, OS disks, targets of upgrades still running. */
export async function readLayerUses(store: Pick<Store, 'list'>): Promise<LayerUse[]> {
  const [versions, instances, runs] = await Promise.all([
    store.list('resource', { type: VERSION_TYPE }),
    store.list('instance', {}),
    store.list('run', {}),
  ]);
  const use = (by: string, image: ImageManifest | undefined): LayerUse[] =>
    image === undefined ? [] : [{ by, image }];
  return [
    ...versions.flatMap(({ body }) => use(body.id, manifestOf(body))),
    ...instances.flatMap(({ body }) => [
      ...use(body.computerName, body.osDisk.image),
      ...use(body.computerName, body.previousOsDisk?.image),
    ]),
    ...runs
      .filter(({ body }) => body.state === 'RollingForward')
      .flatMap(({ body }) => use(`upgrade ${body.runId}`, body.targetImage)),
  ];
}
