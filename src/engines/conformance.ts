// What every engine promises, as one suite: the simulated engine and QEMU both pass it.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ImageManifest } from '../model/image.ts';
import type { Engine, GuestReport, ImageEngine, VmObservation, VmSpec } from './engine.ts';

/** One engine under test, with its VMs' place; made once per suite. */
export type EngineHarness = {
  readonly engine: Engine & Partial<ImageEngine>;
  readonly image: ImageManifest;
  /** Another image than `image`, where making one is cheap. */
  readonly imageOther?: ImageManifest;
  /** Lets go of the engine and opens it anew over the same data, as a new control plane does. */
  reopen(): Promise<Engine & Partial<ImageEngine>>;
  /** Ends the VM's process from outside, without the engine's help; the host's own kill -9. */
  readonly killFromOutside?: (vmId: string) => Promise<void>;
  /** Removes what holds a data disk's content, as a person's mistake would. */
  readonly loseDataDisk?: (vmId: string, lun: number) => Promise<void>;
  dispose(): Promise<void>;
};

/** A VM under emulation on a busy host boots in 5-15 s. */
const BOOT_DEADLINE_MS = 90_000;
const TEST_TIMEOUT_MS = 150_000;
const GRACE_MS = 30_000;
const GIB = 1024 ** 3;

export function engineConformance(name: string, make: () => Promise<EngineHarness>): void {
  describe(`engine conformance: ${name}`, { timeout: TEST_TIMEOUT_MS }, () => {
    const suite = new Suite(make);
    beforeAll(() => suite.open(), TEST_TIMEOUT_MS);
    afterAll(() => suite.close(), TEST_TIMEOUT_MS);
    testsOfAbsence(suite);
    testsOfLife(suite);
    testsOfReimage(suite);
    testsOfEnds(suite);
  });
}

/** Tests run in order and share one VM: each boot under emulation costs seconds. */
class Suite {
  readonly #make: () => Promise<EngineHarness>;
  #harness: EngineHarness | undefined;
  #engine: (Engine & Partial<ImageEngine>) | undefined;

  constructor(make: () => Promise<EngineHarness>) {
    this.#make = make;
  }

  async open(): Promise<void> {
    this.#harness = await this.#make();
    this.#engine = this.#harness.engine;
  }

  async close(): Promise<void> {
    const { engine } = this;
    for (const { vmId } of await engine.list()) await engine.delete(vmId);
    await engine.close();
    await this.harness.dispose();
  }

  get harness(): EngineHarness {
    if (this.#harness === undefined) throw new Error('the harness was not made');
    return this.#harness;
  }

  get engine(): Engine & Partial<ImageEngine> {
    if (this.#engine === undefined) throw new Error('the engine was not opened');
    return this.#engine;
  }

  async reopen(): Promise<void> {
    this.#engine = await this.harness.reopen();
  }

  spec(diskId: string, image: ImageManifest = this.harness.image): VmSpec {
    return {
      vmId: 'conform-0',
      kind: 'instance',
      label: 'conform_0',
      hostname: 'conform-0',
      vCPUs: 1,
      memoryMib: 256,
      osDisk: { diskId, image, tags: {} },
      dataDisks: [{ lun: 0, sizeBytes: GIB / 16 }],
      ports: [8080, 9090],
      egress: false,
      sshPublicKeys: [],
    };
  }

  async vm(): Promise<VmObservation> {
    const found = await this.engine.find('conform-0');
    if (found === undefined) throw new Error('VM conform-0 is not there');
    return found;
  }

  async report(): Promise<GuestReport> {
    return until('the guest reports', () => this.engine.guestReport('conform-0'));
  }

  async startAndReport(): Promise<GuestReport> {
    await this.engine.start('conform-0');
    return this.report();
  }

  async off(graceMs = GRACE_MS): Promise<void> {
    await this.engine.powerOff('conform-0', { graceMs });
  }
}

/** Polls with a deadline; the deadline is an error that says what was waited for. */
export async function until<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + BOOT_DEADLINE_MS;
  for (;;) {
    const seen = await look();
    if (seen !== undefined) return seen;
    if (Date.now() > deadline) throw new Error(`waited ${BOOT_DEADLINE_MS} ms until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function testsOfAbsence(suite: Suite): void {
  test('describes itself', async () => {
    const { name, accelerator, version } = await suite.engine.describe();
    expect([name, accelerator, version].every((text) => text !== '')).toBe(true);
  });

  test('has no VM at first, and none that nobody made', async () => {
    expect(await suite.engine.list()).toEqual([]);
    expect(await suite.engine.find('conform-0')).toBeUndefined();
    expect(await suite.engine.guestReport('conform-0')).toBeUndefined();
  });

  test('delete and power-off of a VM that does not exist do nothing', async () => {
    await suite.engine.delete('conform-0');
    await suite.off();
  });

  test('start and exec of a VM that does not exist are errors with its name', async () => {
    await expect(suite.engine.start('conform-0')).rejects.toThrow(/conform-0/);
    await expect(suite.engine.exec('conform-0', 'true', { timeoutMs: 1000 })).rejects.toThrow(
      /conform-0/,
    );
  });

  test('a VM of an image that is not here is refused and leaves nothing', async () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const image = { ...suite.harness.image, layers: [{ digest, sizeBytes: 1 }] };
    await expect(suite.engine.create(suite.spec('disk-x', image))).rejects.toThrow();
    expect(await suite.engine.list()).toEqual([]);
  });
}

function testsOfLife(suite: Suite): void {
  test('create makes a stopped VM, and may be repeated', async () => {
    await suite.engine.create(suite.spec('disk-1'));
    await suite.engine.create(suite.spec('disk-1'));
    expect(await suite.engine.list()).toEqual([await suite.vm()]);
    expect(await suite.vm()).toMatchObject({
      vmId: 'conform-0',
      kind: 'instance',
      power: 'stopped',
      diskId: 'disk-1',
      diskIds: ['disk-1'],
      endpoints: [],
    });
    expect((await suite.vm()).startedAtMs).toBeUndefined();
  });

  test('start runs it; its guest reports a first boot and an empty data disk', async () => {
    expect(await suite.startAndReport()).toEqual({
      diskId: 'disk-1',
      firstBoot: true,
      dataDisks: [{ lun: 0, serial: 'lun0', sizeBytes: GIB / 16 }],
    });
  });

  test('a running VM shows where the host reaches each guest port', async () => {
    const { power, endpoints } = await suite.vm();
    expect(power).toBe('running');
    expect(endpoints.map(({ guestPort }) => guestPort)).toEqual([8080, 9090]);
    expect(new Set(endpoints.map(({ host, port }) => `${host}:${port}`)).size).toBe(2);
  });

  test('start of a running VM changes nothing', async () => {
    const before = await suite.vm();
    await suite.engine.start('conform-0');
    expect(await suite.vm()).toEqual(before);
  });

  test('exec gives output and exit code', async () => {
    const result = await suite.engine.exec('conform-0', 'echo hello; exit 3', {
      timeoutMs: 30_000,
    });
    expect(result).toMatchObject({ stdout: 'hello\n', exitCode: 3, timedOut: false });
  });

  test('exec tells output as it appears', async () => {
    let seen = '';
    const onOutput = (text: string): void => {
      seen += text;
    };
    const command = 'echo one; sleep 1; echo two';
    await suite.engine.exec('conform-0', command, { timeoutMs: 30_000, onOutput });
    expect(seen).toBe('one\ntwo\n');
  });

  test('exec ends a command that takes too long', async () => {
    const result = await suite.engine.exec('conform-0', 'sleep infinity', { timeoutMs: 500 });
    expect(result.timedOut).toBe(true);
    expect(result.exitCode).not.toBe(0);
  });

  test('exec ends when the caller gives up', async () => {
    const stop = new AbortController();
    const options = { timeoutMs: 30_000, signal: stop.signal };
    const running = suite.engine.exec('conform-0', 'sleep infinity', options);
    setTimeout(() => stop.abort(new Error('given up')), 300);
    await expect(running).rejects.toThrow('given up');
  });

  test('a short command does not wait for a long one', async () => {
    const ended: string[] = [];
    const run = async (command: string): Promise<void> => {
      await suite.engine.exec('conform-0', command, { timeoutMs: 30_000 });
      ended.push(command);
    };
    await Promise.all([run('sleep 3'), run('echo short')]);
    expect(ended).toEqual(['echo short', 'sleep 3']);
  });

  test('a running VM cannot be reimaged', async () => {
    await expect(suite.engine.reimage(suite.spec('disk-9'))).rejects.toThrow(/power it off/);
  });

  test('the VM outlives the engine object and is found again with the same identity', async () => {
    const before = await suite.vm();
    const report = await suite.report();
    await suite.reopen();
    expect(await suite.vm()).toEqual(before);
    expect(await suite.engine.guestReport('conform-0')).toEqual(report);
    const result = await suite.engine.exec('conform-0', 'echo again', { timeoutMs: 30_000 });
    expect(result.stdout).toBe('again\n');
  });

  test('power-off ends it, and may be repeated', async () => {
    const exits: string[] = [];
    const stop = suite.engine.onExit((vmId) => exits.push(vmId));
    await suite.off();
    await suite.off();
    stop();
    expect(await suite.vm()).toMatchObject({ power: 'stopped', diskId: 'disk-1', endpoints: [] });
    expect(exits.every((vmId) => vmId === 'conform-0')).toBe(true);
  });

  test('the console has something to say after the end', async () => {
    const text = await suite.engine.consoleLog('conform-0', 100_000);
    expect(text).not.toBe('');
    expect((await suite.engine.consoleLog('conform-0', 10)).length).toBeLessThanOrEqual(10);
  });

  test('the same OS disk again is not a first boot, and the start has a new time', async () => {
    expect(await suite.startAndReport()).toMatchObject({ diskId: 'disk-1', firstBoot: false });
    await suite.off();
  });
}

function testsOfReimage(suite: Suite): void {
  test('reimage to a new disk keeps the old one, and boots for the first time', async () => {
    await suite.engine.reimage(suite.spec('disk-2', suite.harness.imageOther));
    expect(await suite.vm()).toMatchObject({ power: 'stopped', diskId: 'disk-2' });
    expect([...(await suite.vm()).diskIds].toSorted()).toEqual(['disk-1', 'disk-2']);
    const report = await suite.startAndReport();
    expect(report).toMatchObject({ diskId: 'disk-2', firstBoot: true });
    expect(report.dataDisks).toMatchObject([{ lun: 0, serial: 'lun0', sizeBytes: GIB / 16 }]);
    await suite.off();
  });

  test('reimage to a kept disk restores it as it was', async () => {
    await suite.engine.reimage(suite.spec('disk-1'));
    await suite.engine.reimage(suite.spec('disk-1'));
    expect(await suite.startAndReport()).toMatchObject({ diskId: 'disk-1', firstBoot: false });
    await suite.off();
  });

  test('an OS disk that is not the current one can be discarded, and again', async () => {
    await expect(suite.engine.discardOsDisk('conform-0', 'disk-1')).rejects.toThrow(/current/);
    await suite.engine.discardOsDisk('conform-0', 'disk-2');
    await suite.engine.discardOsDisk('conform-0', 'disk-2');
    expect((await suite.vm()).diskIds).toEqual(['disk-1']);
  });

  test('reimage of a VM whose data disk is lost is refused', async (context) => {
    const { loseDataDisk } = suite.harness;
    if (loseDataDisk === undefined) {
      context.skip();
      return;
    }
    await loseDataDisk('conform-0', 0);
    await expect(suite.engine.reimage(suite.spec('disk-3'))).rejects.toThrow(/lun 0 is missing/);
    await expect(suite.engine.start('conform-0')).rejects.toThrow(/lun 0 is missing/);
    await suite.engine.delete('conform-0');
    await suite.engine.create(suite.spec('disk-1'));
  });
}

function testsOfEnds(suite: Suite): void {
  test('a guest that powers off by itself is told', async () => {
    await suite.startAndReport();
    const exits: string[] = [];
    const stop = suite.engine.onExit((vmId) => exits.push(vmId));
    const options = { timeoutMs: 30_000 };
    await suite.engine.exec('conform-0', 'systemctl poweroff', options).catch(() => undefined);
    await until('the exit is told', async () => (exits.length > 0 ? true : undefined));
    stop();
    expect(exits).toEqual(['conform-0']);
    expect((await suite.vm()).power).toBe('stopped');
  });

  test('a VM whose process is killed is told, and can be started again', async (context) => {
    const { killFromOutside } = suite.harness;
    if (killFromOutside === undefined) {
      context.skip();
      return;
    }
    const first = await suite.startAndReport();
    const exits: string[] = [];
    const stop = suite.engine.onExit((vmId) => exits.push(vmId));
    await killFromOutside('conform-0');
    await until('the exit is told', async () => (exits.length > 0 ? true : undefined));
    stop();
    expect((await suite.vm()).power).toBe('stopped');
    const second = await suite.startAndReport();
    expect(second).toMatchObject({ diskId: first.diskId, firstBoot: false });
  });

  test('power-off without grace ends a running VM at once', async () => {
    await suite.off(0);
    expect((await suite.vm()).power).toBe('stopped');
  });

  test('delete removes a running VM with all it had, and may be repeated', async () => {
    await suite.engine.start('conform-0');
    await suite.engine.delete('conform-0');
    await suite.engine.delete('conform-0');
    expect(await suite.engine.list()).toEqual([]);
    await suite.engine.create(suite.spec('disk-1'));
    expect(await suite.startAndReport()).toMatchObject({ firstBoot: true });
    await suite.engine.delete('conform-0');
  });
}
