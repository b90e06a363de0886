// The QEMU engine with the probes and the balancer of real VMs.
import { join } from 'node:path';
import { HaproxyBalancer } from '../balancer/haproxy/haproxy-balancer.ts';
import { QemuEngine } from '../engines/qemu/qemu-engine.ts';
import { ProbingHealthMonitor } from '../health/monitor.ts';
import { checkReachable } from './data-folder.ts';
import type { OpenedEngine, OpenEngineOptions } from './open-engine.ts';

export async function openQemu(options: OpenEngineOptions): Promise<OpenedEngine> {
  const { folder, clock, ids, logger } = options;
  const { vmUser } = folder;
  if (vmUser !== undefined) await checkReachable(folder.path);
  const engine = await QemuEngine.open({
    dataFolder: folder.path,
    runtimeFolder: join(folder.runtimePath, 'vms'),
    ...(vmUser === undefined ? {} : { user: vmUser }),
    clock,
    ids,
    logger: (line) => logger.info({ part: 'engine' }, line),
  });
  const health = new ProbingHealthMonitor({
    clock,
    tcpProbe: (vmId, port, timeoutMs) => tcpProbe(engine, vmId, port, timeoutMs),
  });
  const balancer = await HaproxyBalancer.open({
    folder: join(folder.path, 'balancer'),
    runtimeFolder: join(folder.runtimePath, 'balancer'),
    ...(vmUser === undefined ? {} : { runAs: vmUser }),
    clock,
    onProblem: (sentence) => logger.warn({ part: 'balancer' }, sentence),
  });
  return { engine, health, balancer };
}

/**
 * A handshake inside the guest: from the host it proves nothing, because user networking accepts
 * before the guest has run. bash is in every Debian image; no other tool is needed.
 */
async function tcpProbe(
  engine: QemuEngine,
  vmId: string,
  port: number,
  timeoutMs: number,
): Promise<boolean> {
  const command = `exec bash -c ': </dev/tcp/127.0.0.1/${port}' 2>/dev/null`;
  const result = await engine.exec(vmId, command, { timeoutMs });
  return !result.timedOut && result.exitCode === 0;
}
