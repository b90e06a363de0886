// The end of an instance's console log, read from the engine by the API's names.
import type { Engine } from '../engines/engine.ts';
import { instanceKey } from '../reconcile/keys.ts';
import type { Store } from '../store/store.ts';

export type ReadConsole = (
  scaleSetKey: string,
  instanceId: string,
  maxBytes: number,
) => Promise<string>;

/** Empty when there is no such instance, or its VM has said nothing yet. */
export function consoleReader(
  store: Pick<Store, 'get'>,
  engine: Pick<Engine, 'consoleLog'>,
): ReadConsole {
  return async (scaleSetKey, instanceId, maxBytes) => {
    const row = await store.get('instance', instanceKey(scaleSetKey, instanceId));
    return row === undefined ? '' : engine.consoleLog(row.body.vmId, maxBytes);
  };
}
