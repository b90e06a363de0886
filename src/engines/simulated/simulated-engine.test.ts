import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock } from '../../support/testing.ts';
import type { VmSpec } from '../engine.ts';
import { SimulatedEngine, type SimulatedEngineOptions } from './simulated-engine.ts';

let clock: ManualClock;
let folder: string;
let engine: SimulatedEngine;

beforeEach(async () => {
  clock = new ManualClock();
  folder = await mkdtemp(join(tmpdir(), 'rollset-simulated-'));
  engine = await open();
});

afterEach(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

function open(options: Partial<SimulatedEngineOptions> = {}): Promise<SimulatedEngine> {
  return SimulatedEngine.open({ clock, ...options });
}

async function specOf(diskId = 'os-1', tags: Record<string, string> = {}): Promise<VmSpec> {
  const image = await engine.ensureBaseImage('debian-12', () => undefined);
  return {
    vmId: 'vm-0',
    kind: 'instance',
    label: 'guestbook_0',
    hostname: 'guestbook000000',
    vCPUs: 1,
    memoryMib: 1024,
    osDisk: { diskId, image, tags },
    dataDisks: [{ lun: 0, sizeBytes: 2 ** 30 }],
    ports: [8080],
    egress: false,
    sshPublicKeys: [],
  };
}

async function startVm(tags: Record<string, string> = {}): Promise<void> {
  await engine.create(await specOf('os-1', tags));
  await engine.start('vm-0');
}

/** Runs a verb that takes time, and lets that time pass. */
async function inTime<T>(verb: Promise<T>, ms: number): Promise<T> {
  await clock.advance(ms);
  return verb;
}

const powerOff = () => inTime(engine.powerOff('vm-0', { graceMs: 5000 }), 5000);
const health = async () => (await engine.probeApp('vm-0', '/healthz')).reason;

describe('the life of a VM', () => {
  test('starts, answers half a second later, serves a moment after that', async () => {
    await startVm();
    expect(await engine.find('vm-0')).toMatchObject({ power: 'running', diskId: 'os-1' });
    await clock.advance(499);
    expect(await engine.guestReport('vm-0')).toBeUndefined();
    await clock.advance(1);
    expect(await engine.guestReport('vm-0')).toMatchObject({ diskId: 'os-1', firstBoot: true });
    expect(await health()).toBe('no answer: the guest is still starting');
    await clock.advance(100);
    expect(await health()).toBe('HTTP 200 from /healthz');
  });

  test('powers off gracefully once it is up, and is cut off before', async () => {
    await startVm();
    await powerOff();
    expect(await engine.consoleLog('vm-0', 4096)).toContain('ended by itself');
    await engine.start('vm-0');
    await clock.advance(500);
    await inTime(engine.powerOff('vm-0', { graceMs: 5000 }), 100);
    expect(await engine.find('vm-0')).toMatchObject({ power: 'stopped' });
    expect(await engine.consoleLog('vm-0', 4096)).toMatch(/Power down\n$/);
  });

  test('has a new endpoint at each start', async () => {
    await startVm();
    const first = (await engine.find('vm-0'))?.endpoints[0];
    await powerOff();
    await engine.start('vm-0');
    const second = (await engine.find('vm-0'))?.endpoints[0];
    expect(first?.guestPort).toBe(8080);
    expect(second?.port).not.toBe(first?.port);
  });

  test('every verb may run twice', async () => {
    const spec = await specOf();
    await engine.create(spec);
    await engine.create(spec);
    await engine.start('vm-0');
    await engine.start('vm-0');
    await powerOff();
    await powerOff();
    await engine.reimage({ ...spec, osDisk: { ...spec.osDisk, diskId: 'os-2' } });
    await engine.reimage({ ...spec, osDisk: { ...spec.osDisk, diskId: 'os-2' } });
    await engine.discardOsDisk('vm-0', 'os-1');
    await engine.discardOsDisk('vm-0', 'os-1');
    expect(await engine.list()).toMatchObject([{ diskId: 'os-2', diskIds: ['os-2'] }]);
    await engine.delete('vm-0');
    await engine.delete('vm-0');
    expect(await engine.list()).toEqual([]);
  });
});

describe('disks', () => {
  test('a data disk keeps its file system through a swap of the OS disk', async () => {
    await startVm();
    await clock.advance(500);
    const before = (await engine.guestReport('vm-0'))?.dataDisks[0];
    expect(before).toEqual({ lun: 0, serial: 'lun0', sizeBytes: 2 ** 30 });
    await powerOff();
    await engine.reimage(await specOf('os-2'));
    await engine.start('vm-0');
    await clock.advance(500);
    const after = await engine.guestReport('vm-0');
    expect(after).toMatchObject({ diskId: 'os-2', firstBoot: true });
    expect(after?.dataDisks[0]).toMatchObject({ serial: 'lun0', clean: true });
    expect(after?.dataDisks[0]?.filesystemUuid).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a kept OS disk comes back as it was: no first boot', async () => {
    await startVm();
    await clock.advance(500);
    await powerOff();
    await engine.reimage(await specOf('os-2'));
    await engine.reimage(await specOf('os-1'));
    await engine.start('vm-0');
    await clock.advance(500);
    expect(await engine.guestReport('vm-0')).toMatchObject({ diskId: 'os-1', firstBoot: false });
  });

  test('refuses what would lose something', async () => {
    const spec = await specOf();
    await startVm();
    await expect(engine.reimage(spec)).rejects.toThrow('guestbook_0: the VM runs');
    await powerOff();
    await expect(engine.discardOsDisk('vm-0', 'os-1')).rejects.toThrow('it is the current one');
    const more = { ...spec, dataDisks: [{ lun: 7, sizeBytes: 1 }] };
    await expect(engine.reimage(more)).rejects.toThrow('data disk lun 7 is missing');
    await expect(engine.start('vm-9')).rejects.toThrow('there is no VM vm-9');
  });

  test('refuses an image whose layers are not here', async () => {
    const spec = await specOf();
    for (const { digest } of await engine.listLayers()) await engine.removeLayer(digest);
    expect(await engine.hasImage(spec.osDisk.image)).toBe(false);
    await expect(engine.create(spec)).rejects.toThrow('is not here');
  });
});

describe('faults', () => {
  test('an image tagged unhealthy boots and never serves', async () => {
    await startVm({ simulate: 'unhealthy' });
    await clock.advance(60_000);
    expect(await engine.guestReport('vm-0')).toBeDefined();
    expect(await health()).toBe('HTTP 503 from /healthz');
    expect(await engine.acceptsConnections('vm-0')).toBe(true);
  });

  test('an image tagged no-boot never answers', async () => {
    await startVm({ simulate: 'no-boot' });
    await clock.advance(600_000);
    expect(await engine.guestReport('vm-0')).toBeUndefined();
    expect(await engine.acceptsConnections('vm-0')).toBe(false);
    expect(await engine.consoleLog('vm-0', 4096)).toContain('Kernel panic');
  });

  test('an image tagged slow-boot takes its time', async () => {
    await startVm({ simulate: 'slow-boot' });
    await clock.advance(29_999);
    expect(await engine.guestReport('vm-0')).toBeUndefined();
    await clock.advance(1);
    expect(await engine.guestReport('vm-0')).toBeDefined();
  });

  test('an unknown sentinel is refused by name', async () => {
    await expect(startVm({ simulate: 'sleepy' })).rejects.toThrow('simulate=sleepy is not known');
  });

  test('a start may fail, a VM may die, and listeners hear of it', async () => {
    let starts = 0;
    await engine.close();
    engine = await open({
      faults: {
        startFails: () => ((starts += 1) === 1 ? 'no memory left' : undefined),
        diesAfterMs: () => 2000,
      },
    });
    const deaths: string[] = [];
    engine.onExit((vmId) => deaths.push(vmId));
    await expect(startVm()).rejects.toThrow('start of guestbook_0: no memory left');
    await engine.start('vm-0');
    await clock.advance(1999);
    expect(deaths).toEqual([]);
    await clock.advance(1);
    expect(deaths).toEqual(['vm-0']);
    expect(await engine.find('vm-0')).toMatchObject({ power: 'stopped' });
    await engine.start('vm-0');
    await clock.advance(500);
    expect((await engine.guestReport('vm-0'))?.dataDisks[0]).toMatchObject({ clean: false });
  });
});

describe('after a restart of the control plane', () => {
  const kept = () => open({ stateFile: join(folder, 'simulated.json') });

  test('its VMs run on', async () => {
    engine = await kept();
    await startVm();
    const before = await engine.find('vm-0');
    // No close: as after kill -9.
    engine = await kept();
    await clock.advance(600);
    expect(await engine.find('vm-0')).toEqual(before);
    expect(await health()).toBe('HTTP 200 from /healthz');
  });

  test('a state it cannot read is named', async () => {
    await writeFile(join(folder, 'simulated.json'), '{"vms":[{}]}');
    await expect(kept()).rejects.toThrow(/simulated\.json is not a state .*vms\.0\.vmId/);
  });
});

describe('commands and images', () => {
  const options = { timeoutMs: 60_000 };

  test('a command runs in a guest that is up, and nowhere else', async () => {
    await startVm();
    await expect(engine.exec('vm-0', 'true', options)).rejects.toThrow('its OS does not answer');
    await clock.advance(500);
    const seen: string[] = [];
    const result = await engine.exec('vm-0', 'echo hello; exit 3', {
      ...options,
      onOutput: (text) => seen.push(text),
    });
    expect(result).toEqual({ exitCode: 3, stdout: 'hello\n', stderr: '', timedOut: false });
    expect(seen).toEqual(['hello\n']);
  });

  test('sleep takes time, ends at the time limit, and can be aborted', async () => {
    await startVm();
    await clock.advance(500);
    const slept = engine.exec('vm-0', 'sleep 5 && false', options);
    expect(await inTime(slept, 5000)).toMatchObject({ exitCode: 1, timedOut: false });
    const late = engine.exec('vm-0', 'sleep infinity', { timeoutMs: 1000 });
    expect(await inTime(late, 1000)).toMatchObject({ timedOut: true });
    const stop = new AbortController();
    const aborted = engine.exec('vm-0', 'sleep 5', { ...options, signal: stop.signal });
    const outcome = expect(aborted).rejects.toThrow('enough');
    await clock.advance(100);
    stop.abort(new Error('enough'));
    await outcome;
  });

  test('stopping the service is seen by probes, until it starts again', async () => {
    await startVm();
    await clock.advance(600);
    await engine.exec('vm-0', 'systemctl stop guestbook', options);
    expect(await health()).toBe('connection reset');
    await engine.exec('vm-0', 'systemctl start guestbook', options);
    expect(await health()).toBe('HTTP 200 from /healthz');
  });

  test('the same steps on the same base give the same layer, others another', async () => {
    const bake = async (command: string) => {
      await startVm();
      await clock.advance(500);
      await engine.exec('vm-0', command, options);
      await powerOff();
      const image = await engine.capture('vm-0');
      await engine.delete('vm-0');
      return image;
    };
    const first = await bake('apt-get install -y python3');
    expect(await bake('apt-get install -y python3')).toEqual(first);
    expect(await bake('apt-get install -y ruby')).not.toEqual(first);
    expect(first.layers).toHaveLength(2);
    expect(await engine.hasImage(first)).toBe(true);
    expect(await engine.listLayers()).toMatchObject([
      { base: true },
      { base: false },
      { base: false },
    ]);
  });

  test('a script that was copied in is followed', async () => {
    const script = join(folder, 'step.sh');
    await writeFile(script, '#!/bin/sh -e\necho begin\nfalse\necho never\n');
    await startVm();
    await clock.advance(500);
    await engine.copyIn('vm-0', script, '/tmp/step', { mode: 0o755 });
    const wrapper = "'/tmp/step' </dev/null\nstatus=$?\nrm -f /tmp/step\nexit $status\n";
    const result = await engine.exec('vm-0', wrapper, options);
    expect(result).toMatchObject({ exitCode: 1, stdout: 'begin\n' });
  });
});
