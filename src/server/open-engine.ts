// Opens the engine that was asked for, with the health monitor and the balancer that go with it.
import type { Logger } from 'pino';
import type { Balancer } from '../balancer/balancer.ts';
import type { Engine, ImageEngine } from '../engines/engine.ts';
import type { HealthMonitor } from '../health/health.ts';
import type { Clock } from '../support/clock.ts';
import type { Ids } from '../support/ids.ts';
import type { DataFolder } from './data-folder.ts';

export const ENGINE_NAMES = ['qemu', 'simulated'] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

export type OpenedEngine = {
  readonly engine: Engine & ImageEngine;
  readonly health: HealthMonitor;
  readonly balancer: Balancer;
};

export type OpenEngineOptions = {
  readonly folder: DataFolder;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
};

/** Engines are loaded when asked for: the simulated one needs no QEMU code and the reverse. */
export async function openEngine(
  name: EngineName,
  options: OpenEngineOptions,
): Promise<OpenedEngine> {
  if (name === 'simulated') {
    const { openSimulated } = await import('./open-simulated.ts');
    return openSimulated(options);
  }
  const { openQemu } = await import('./open-qemu.ts');
  return openQemu(options);
}
