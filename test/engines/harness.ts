// A QEMU engine in a temporary folder, for tests that start real VMs.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { EngineHarness } from '../../src/engines/conformance.ts';
import { QemuEngine, type QemuEngineOptions } from '../../src/engines/qemu/qemu-engine.ts';
import { enginePaths, type VmPaths } from '../../src/engines/qemu/paths.ts';
import { readProcess } from '../../src/engines/qemu/record.ts';
import type { ImageManifest } from '../../src/model/image.ts';
import { systemClock } from '../../src/support/clock.ts';
import { randomIds } from '../../src/support/ids.ts';
import { testBaseImage } from './base-image.ts';

/** No account has it: a number is enough to own files and run VMs. */
export const VM_USER = { uid: 65_321, gid: 65_321 } as const;

export type QemuHarness = Omit<EngineHarness, 'engine' | 'reopen'> & {
  readonly engine: QemuEngine;
  readonly options: QemuEngineOptions;
  /** Opens a second engine object; the first must be closed. */
  reopen(): Promise<QemuEngine>;
  vmPaths(vmId: string): VmPaths;
  pidOf(vmId: string): Promise<number>;
  readonly image: ImageManifest;
};

export async function qemuHarness(): Promise<QemuHarness> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'rsq-'));
  // The VMs' user must be able to enter; mkdtemp makes it private.
  await chmod(folder, 0o755);
  const imagesFolder = path.join(folder, 'images/local');
  const image = await testBaseImage(imagesFolder);
  const options: QemuEngineOptions = {
    dataFolder: folder,
    runtimeFolder: path.join(folder, 'run'),
    ...(process.getuid?.() === 0 ? { user: VM_USER } : {}),
    clock: systemClock,
    ids: randomIds,
    logger: () => undefined,
  };
  const paths = enginePaths({ ...options, imagesFolder });
  let engine = await QemuEngine.open(options);
  const first = engine;
  const pidOf = async (vmId: string): Promise<number> => {
    const pid = (await readProcess(paths.vm(vmId)))?.pid;
    if (pid === undefined) throw new Error(`VM ${vmId} has no process`);
    return pid;
  };
  return {
    engine: first,
    image,
    options,
    vmPaths: (vmId) => paths.vm(vmId),
    pidOf,
    reopen: async () => {
      await engine.close();
      engine = await QemuEngine.open(options);
      return engine;
    },
    killFromOutside: async (vmId) => {
      process.kill(await pidOf(vmId), 'SIGKILL');
    },
    loseDataDisk: (vmId, lun) => rm(paths.vm(vmId).dataDisk(lun)),
    dispose: async () => {
      for (const { vmId } of await engine.list()) await engine.delete(vmId);
      await engine.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Standard output of a command that must succeed. */
export async function runIn(
  engine: QemuEngine,
  vmId: string,
  command: string,
  user?: string,
): Promise<string> {
  const options = { timeoutMs: 120_000, ...(user === undefined ? {} : { user }) };
  const result = await engine.exec(vmId, command, options);
  if (result.exitCode !== 0)
    throw new Error(
      `\`${command}\` ended with ${result.exitCode}: ${result.stdout}${result.stderr}`,
    );
  return result.stdout;
}
