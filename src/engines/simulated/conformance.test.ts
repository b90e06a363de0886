// The simulated engine keeps what every engine promises, in a tenth of the time.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../support/clock.ts';
import { type EngineHarness, engineConformance } from '../conformance.ts';
import { SimulatedEngine } from './simulated-engine.ts';

const FASTER = 10;
const fastClock: Clock = {
  now: () => systemClock.now() * FASTER,
  sleep: (ms, signal) => systemClock.sleep(ms / FASTER, signal),
};

async function simulatedHarness(): Promise<EngineHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'rollset-simulated-'));
  const open = () =>
    SimulatedEngine.open({ clock: fastClock, stateFile: join(folder, 'simulated.json') });
  let engine = await open();
  return {
    engine,
    image: await engine.ensureBaseImage('debian-12', () => undefined),
    imageOther: await engine.ensureBaseImage('debian-12-other', () => undefined),
    reopen: async () => {
      await engine.close();
      engine = await open();
      return engine;
    },
    killFromOutside: (vmId) => engine.kill(vmId),
    loseDataDisk: (vmId, lun) => engine.loseDataDisk(vmId, lun),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

engineConformance('simulated', simulatedHarness);
