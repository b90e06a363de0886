// The simulated engine in real time: VMs, probes and pools without processes.
import { join } from 'node:path';
import { SimulatedBalancer } from '../engines/simulated/simulated-balancer.ts';
import { SimulatedEngine } from '../engines/simulated/simulated-engine.ts';
import { ProbingHealthMonitor } from '../health/monitor.ts';
import type { OpenedEngine, OpenEngineOptions } from './open-engine.ts';

export async function openSimulated({ folder, clock }: OpenEngineOptions): Promise<OpenedEngine> {
  const stateFile = join(folder.path, 'simulated.json');
  const engine = await SimulatedEngine.open({ clock, stateFile });
  const health = new ProbingHealthMonitor({
    clock,
    tcpProbe: (vmId) => engine.acceptsConnections(vmId),
    httpProbe: ({ vmId, probe }) => engine.probeApp(vmId, probe.requestPath),
  });
  return { engine, health, balancer: new SimulatedBalancer() };
}
