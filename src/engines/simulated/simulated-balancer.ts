// A balancer without connections: it knows who is in which pool, and nobody calls.
import {
  type BackendObservation,
  type BackendState,
  type Balancer,
  BalancerError,
  type FrontendSpec,
} from '../../balancer/balancer.ts';

type Endpoint = { readonly host: string; readonly port: number };

export class SimulatedBalancer implements Balancer {
  readonly #pools = new Map<string, Map<string, BackendObservation>>();

  async ensureFrontends(frontends: readonly FrontendSpec[]): Promise<void> {
    const wanted = new Set(frontends.map(({ frontendId }) => frontendId));
    for (const frontendId of this.#pools.keys()) {
      if (!wanted.has(frontendId)) this.#pools.delete(frontendId);
    }
    for (const frontendId of wanted) {
      if (!this.#pools.has(frontendId)) this.#pools.set(frontendId, new Map());
    }
  }

  async setBackend(
    frontendId: string,
    instanceKey: string,
    state: BackendState,
    endpoint?: Endpoint,
  ): Promise<void> {
    const pool = this.#pool(frontendId, `set ${instanceKey} to ${state}`);
    const at = endpoint ?? pool.get(instanceKey)?.endpoint;
    if (state === 'ready' && at === undefined) {
      throw new BalancerError(`cannot set ${instanceKey} to ready in ${frontendId}: no endpoint`);
    }
    pool.set(instanceKey, {
      frontendId,
      instanceKey,
      state,
      ...(at === undefined ? {} : { endpoint: at }),
      openConnections: 0,
    });
  }

  async removeBackend(frontendId: string, instanceKey: string): Promise<void> {
    this.#pools.get(frontendId)?.delete(instanceKey);
  }

  async observe(frontendId: string): Promise<readonly BackendObservation[]> {
    return [...(this.#pools.get(frontendId)?.values() ?? [])];
  }

  async close(): Promise<void> {}

  async shutdown(): Promise<void> {}

  #pool(frontendId: string, attempt: string): Map<string, BackendObservation> {
    const pool = this.#pools.get(frontendId);
    if (pool === undefined) {
      throw new BalancerError(`cannot ${attempt}: there is no frontend ${frontendId}`);
    }
    return pool;
  }
}
