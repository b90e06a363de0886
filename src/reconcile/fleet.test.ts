import { expect, test } from 'vitest';
import { TestFleet } from './testing.ts';

const MINUTE = 60_000;

async function serving(capacity: number): Promise<TestFleet> {
  const fleet = await TestFleet.open({ capacity });
  await fleet.start();
  await fleet.clock.advance(MINUTE);
  return fleet;
}

test('a scale set gets its instances, healthy and in the balancer', async () => {
  const fleet = await serving(3);
  expect(await fleet.picture()).toEqual([
    '0:1.0.0 Healthy ready',
    '1:1.0.0 Healthy ready',
    '2:1.0.0 Healthy ready',
  ]);
  expect(fleet.errors).toEqual([]);
  await fleet.stop();
});

test('a published version reaches every instance, one batch after the other', async () => {
  const fleet = await serving(5);
  const before = await fleet.instances();
  await fleet.publish('1.1.0');
  await fleet.clock.advance(2 * MINUTE);
  expect((await fleet.picture()).every((line) => line.endsWith('1.1.0 Healthy ready'))).toBe(true);
  const [run] = await fleet.runs();
  expect(run).toMatchObject({ state: 'Completed', startedBy: 'Platform', targetVersion: '1.1.0' });
  expect(run?.batches.map((batch) => batch.instanceIds)).toEqual([
    ['0'],
    ['1'],
    ['2'],
    ['3'],
    ['4'],
  ]);
  const after = await fleet.instances();
  expect(after.map((row) => row.vmId)).toEqual(before.map((row) => row.vmId));
  expect(after.every((row) => row.previousOsDisk === undefined)).toBe(true);
  await fleet.stop();
});

test('each swap leaves a report: same data disks before and after', async () => {
  const fleet = await serving(2);
  await fleet.publish('1.1.0');
  await fleet.clock.advance(3 * MINUTE);
  const rows = await fleet.store.list('resource', { type: 'rollset.fleet/swapreports' });
  expect(rows.map((row) => row.body.body['properties'])).toMatchObject([
    {
      instanceId: '0',
      kind: 'upgrade',
      fromVersion: '1.0.0',
      toVersion: '1.1.0',
      outcome: 'healthy',
      dataDisksIdentical: true,
    },
    {
      instanceId: '1',
      kind: 'upgrade',
      fromVersion: '1.0.0',
      toVersion: '1.1.0',
      outcome: 'healthy',
      dataDisksIdentical: true,
    },
  ]);
  await fleet.stop();
});

test('a bad version is put back, quarantined, and not given to new instances', async () => {
  const fleet = await serving(5);
  const disks = (await fleet.instances()).map((row) => row.osDisk.diskId);
  await fleet.publish('2.0.0', { simulate: 'unhealthy' });
  await fleet.clock.advance(2 * MINUTE);
  const [run] = await fleet.runs();
  expect(run).toMatchObject({
    state: 'Faulted',
    error: { code: 'MaxUnhealthyUpgradedInstancePercentExceededInRollingUpgrade' },
    rollbackInfo: { successfullyRolledbackInstanceCount: 1, failedRolledbackInstanceCount: 0 },
  });
  expect((await fleet.instances()).map((row) => row.osDisk.diskId)).toEqual(disks);
  expect(await fleet.runs()).toHaveLength(1);
  await fleet.scaleTo(6);
  await fleet.clock.advance(MINUTE);
  expect((await fleet.picture()).at(-1)).toBe('5:1.0.0 Healthy ready');
  await fleet.stop();
});

test('a version whose quarantine is lifted is tried again at once', async () => {
  const fleet = await serving(2);
  await fleet.publish('2.0.0', { simulate: 'unhealthy' });
  await fleet.clock.advance(2 * MINUTE);
  expect(await fleet.runs()).toHaveLength(1);
  const [quarantine] = await fleet.store.list('resource', { type: 'rollset.fleet/quarantines' });
  await fleet.store.commit([{ remove: 'resource', key: quarantine?.key ?? '' }]);
  await fleet.clock.advance(1_000);
  expect((await fleet.runs()).map((run) => run.state)).toEqual(['Faulted', 'RollingForward']);
  await fleet.stop();
});

test('an instance added during a bad roll-out starts on the version that is proven', async () => {
  const fleet = await serving(3);
  await fleet.publish('2.0.0', { simulate: 'unhealthy' });
  await fleet.clock.advance(2_000);
  await fleet.scaleTo(4);
  await fleet.clock.advance(3 * MINUTE);
  expect(await fleet.picture()).toEqual(
    ['0', '1', '2', '3'].map((id) => `${id}:1.0.0 Healthy ready`),
  );
  await fleet.stop();
});

test('an instance added during a good roll-out is brought along by it', async () => {
  const fleet = await serving(3);
  await fleet.publish('1.1.0');
  await fleet.clock.advance(1_000);
  await fleet.scaleTo(4);
  await fleet.clock.advance(3 * MINUTE);
  expect(await fleet.picture()).toEqual(
    ['0', '1', '2', '3'].map((id) => `${id}:1.1.0 Healthy ready`),
  );
  expect(await fleet.runs()).toHaveLength(1);
  await fleet.stop();
});

test('a VM that dies is brought back with the disks it had', async () => {
  const fleet = await serving(2);
  const before = await fleet.instances();
  await fleet.engine.kill(before[0]?.vmId ?? '');
  await fleet.clock.advance(1);
  expect((await fleet.picture())[0]).toBe('0:1.0.0 Unknown out');
  await fleet.clock.advance(MINUTE);
  expect((await fleet.picture())[0]).toBe('0:1.0.0 Healthy ready');
  expect(await fleet.instances()).toEqual(before);
  await fleet.stop();
});

test('capacity goes down from the highest id, and rows of gone instances are forgotten', async () => {
  const fleet = await serving(4);
  await fleet.scaleTo(2);
  await fleet.clock.advance(2 * MINUTE);
  expect((await fleet.instances()).map((row) => row.instanceId)).toEqual(['0', '1']);
  expect(await fleet.engine.list()).toHaveLength(2);
  await fleet.stop();
});

test('a PUT ends when every instance is up; a delete when all are gone', async () => {
  const fleet = await TestFleet.open({ capacity: 2 });
  const put = await fleet.ask('scaleSet.put');
  await fleet.start();
  await fleet.clock.advance(MINUTE);
  expect((await fleet.store.get('operation', put))?.body.status).toBe('Succeeded');
  const gone = await fleet.ask('scaleSet.delete');
  await fleet.changeSet((row) => ({ ...row, provisioningState: 'Deleting' }));
  await fleet.clock.advance(2 * MINUTE);
  expect((await fleet.store.get('operation', gone))?.body.status).toBe('Succeeded');
  expect(await fleet.engine.list()).toEqual([]);
  expect(await fleet.instances()).toEqual([]);
  await fleet.stop();
});

test('a whole-set reimage goes in batches and keeps the version', async () => {
  const fleet = await serving(3);
  const before = await fleet.instances();
  const operation = await fleet.ask('scaleSet.reimage');
  await fleet.clock.advance(1);
  const changed = (await fleet.instances()).filter(
    (row, i) => row.osDisk.diskId !== before[i]?.osDisk.diskId,
  );
  expect(changed).toHaveLength(1);
  await fleet.clock.advance(2 * MINUTE);
  expect((await fleet.store.get('operation', operation))?.body.status).toBe('Succeeded');
  const after = await fleet.instances();
  expect(after.every((row, i) => row.osDisk.diskId !== before[i]?.osDisk.diskId)).toBe(true);
  expect(await fleet.picture()).toEqual([
    '0:1.0.0 Healthy ready',
    '1:1.0.0 Healthy ready',
    '2:1.0.0 Healthy ready',
  ]);
  await fleet.stop();
});

test('cancel ends the run after its batch; the same version is not started again by itself', async () => {
  const fleet = await serving(5);
  await fleet.publish('1.1.0');
  await fleet.clock.advance(1_000);
  const cancel = await fleet.ask('scaleSet.cancelRollingUpgrade');
  await fleet.clock.advance(3 * MINUTE);
  const runs = await fleet.runs();
  expect(runs.map((run) => run.state)).toEqual(['Cancelled']);
  expect((await fleet.store.get('operation', cancel))?.body.status).toBe('Succeeded');
  const asked = await fleet.ask('scaleSet.osRollingUpgrade');
  await fleet.clock.advance(3 * MINUTE);
  expect((await fleet.store.get('operation', asked))?.body.status).toBe('Succeeded');
  expect((await fleet.runs()).at(-1)).toMatchObject({ state: 'Completed', startedBy: 'User' });
  await fleet.stop();
});

test('a command runs once; one cut off by a crash ends as Failed', async () => {
  const fleet = await serving(1);
  const good = await fleet.ask('instance.runCommand', { instanceId: '0', script: ['exit 3'] });
  await fleet.clock.advance(MINUTE);
  expect((await fleet.store.get('operation', good))?.body).toMatchObject({
    status: 'Succeeded',
    output: { exitCode: 3 },
  });
  await fleet.stop();
  const cut = await fleet.ask('instance.runCommand', { instanceId: '0', script: ['exit 0'] });
  await fleet.start();
  await fleet.clock.advance(MINUTE);
  expect((await fleet.store.get('operation', cut))?.body).toMatchObject({
    status: 'Failed',
    error: { code: 'OperationInterrupted' },
  });
  await fleet.stop();
});

test('killed between any two steps of a roll-out, the next control plane ends it the same way', async () => {
  for (const [version, tags, end] of [
    ['1.1.0', {}, '1.1.0'],
    ['2.0.0', { simulate: 'unhealthy' }, '1.0.0'],
  ] as const) {
    for (let killAt = 1; ; killAt += 1) {
      const fleet = await serving(2);
      const vms = (await fleet.instances()).map((row) => row.vmId);
      await fleet.stop();
      await fleet.publish(version, tags);
      await fleet.start(killAt);
      await fleet.clock.advance(2 * MINUTE);
      const killed = fleet.wasKilled;
      await fleet.stop();
      if (killed) {
        await fleet.start();
        await fleet.clock.advance(2 * MINUTE);
        await fleet.stop();
      }
      const why = `${version} killed at call ${killAt}`;
      expect(await fleet.picture(), why).toEqual([
        `0:${end} Healthy ready`,
        `1:${end} Healthy ready`,
      ]);
      expect(
        (await fleet.instances()).map((row) => row.vmId),
        why,
      ).toEqual(vms);
      expect(await fleet.engine.list(), why).toHaveLength(2);
      const runs = await fleet.runs();
      expect(runs, why).toHaveLength(1);
      const disks = runs.flatMap((run) => Object.keys(run.instances));
      expect(new Set(disks).size, why).toBe(disks.length);
      if (!killed) break;
    }
  }
});
