// Decides the next step of a reimage that somebody asked for. Pure.
//
// Nobody's instances go all at once: a whole-set reimage moves in batches of the set's own policy,
// and so does a list of instances (a client bug that sends the whole set must not empty it).
import { batchLimit } from '../rolling-upgrade/batch.ts';
import { names } from '../rolling-upgrade/sentences.ts';

export type ReimageView = {
  /** Instances asked for and still there, in order. */
  readonly asked: readonly string[];
  /** Those already given a fresh disk by this operation. */
  readonly started: readonly string[];
  /** Of the started: not back yet, and still within their time. */
  readonly inFlight: readonly string[];
  /** Of the started: their time is over and they are not healthy. */
  readonly failed: readonly string[];
  /** Instances of the whole set, and how many are down because of us for other reasons. */
  readonly total: number;
  readonly otherwiseDown: number;
  readonly maxBatchInstancePercent: number;
  readonly upgradeInProgress: boolean;
};

export type ReimageStep = { readonly note: string } & (
  | { readonly kind: 'wait' }
  | { readonly kind: 'reimage'; readonly instanceIds: readonly string[] }
  | { readonly kind: 'end'; readonly failed: readonly string[] }
);

export function planReimage(view: ReimageView): ReimageStep {
  const remaining = view.asked.filter((id) => !view.started.includes(id));
  if (view.inFlight.length > 0) {
    return { kind: 'wait', note: `Reimage: waits for ${names(view.inFlight)} to be healthy.` };
  }
  if (view.failed.length > 0) {
    const note = `Reimage: ${names(view.failed)} not healthy in time; ${remaining.length} left alone.`;
    return { kind: 'end', failed: view.failed, note };
  }
  if (remaining.length === 0) {
    return { kind: 'end', failed: [], note: `Reimage: ${view.started.length} done.` };
  }
  if (view.upgradeInProgress) {
    return { kind: 'wait', note: 'Reimage: waits for the rolling upgrade in progress.' };
  }
  const limit = batchLimit(view.total, view.maxBatchInstancePercent);
  const limitText = `at most ${limit} of ${view.total} at once (maxBatchInstancePercent ${view.maxBatchInstancePercent})`;
  const room = limit - view.otherwiseDown;
  if (room <= 0) {
    const note = `Reimage: ${view.otherwiseDown} instances are down already; ${limitText}.`;
    return { kind: 'wait', note };
  }
  const instanceIds = remaining.slice(0, room);
  return { kind: 'reimage', instanceIds, note: `Reimage: ${names(instanceIds)}; ${limitText}.` };
}
