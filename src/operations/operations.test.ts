import { expect, test } from 'vitest';
import { asResourceId } from '../model/resource-id.ts';
import type { ListFilter, Put, Stored } from '../store/store.ts';
import {
  endOperation,
  forgetOldOperations,
  listOpenOperations,
  OPERATION_RETENTION_MS,
  requestCancel,
  startOperation,
} from './operations.ts';

const SCALE_SET = asResourceId(
  '/subscriptions/s/resourceGroups/G/providers/Microsoft.Compute/virtualMachineScaleSets/X',
);
const NOON = Date.parse('2026-03-02T12:00:00Z');

function stored(put: Put<'operation'>, revision: number): Stored<'operation'> {
  return {
    kind: 'operation',
    key: put.key,
    parent: put.parent,
    type: put.type,
    revision,
    body: put.body,
  };
}

const begun = stored(
  startOperation(
    { operationId: 'op1', kind: 'scaleSet.put', resourceId: SCALE_SET, generation: 3 },
    NOON,
  ),
  12,
);

test('an operation starts once, under the key of its resource', () => {
  const put = startOperation(
    {
      operationId: 'op1',
      kind: 'scaleSet.reimage',
      resourceId: SCALE_SET,
      generation: 3,
      input: { instanceIds: ['1'] },
    },
    NOON,
  );
  expect(put).toMatchObject({
    put: 'operation',
    key: 'op1',
    parent:
      '/subscriptions/s/resourcegroups/g/providers/microsoft.compute/virtualmachinescalesets/x',
    type: 'scaleSet.reimage',
    expect: 'absent',
    body: {
      status: 'InProgress',
      input: { instanceIds: ['1'] },
      startTime: '2026-03-02T12:00:00.000Z',
    },
  });
  expect(put.body).not.toHaveProperty('endTime');
});

test('ending expects the operation as it was read', () => {
  const put = endOperation(begun, { status: 'Succeeded', output: { stdout: 'x' } }, NOON + 1000);
  expect(put).toMatchObject({
    expect: 12,
    body: { status: 'Succeeded', output: { stdout: 'x' }, endTime: '2026-03-02T12:00:01.000Z' },
  });
});

test('a failed operation carries its error', () => {
  const error = { code: 'ScriptFailed', message: 'step 2 ended with exit code 1' };
  expect(endOperation(begun, { status: 'Failed', error }, NOON).body).toMatchObject({
    status: 'Failed',
    error,
  });
});

test('a cancel is a request, not an end', () => {
  expect(requestCancel(begun).body).toMatchObject({ cancelRequested: true, status: 'InProgress' });
});

test('open operations are listed, the oldest first', async () => {
  const second = stored(
    startOperation(
      { operationId: 'op0', kind: 'scaleSet.put', resourceId: SCALE_SET, generation: 4 },
      NOON + 5,
    ),
    13,
  );
  const ended = stored(endOperation(begun, { status: 'Succeeded' }, NOON), 14);
  const asked: ListFilter[] = [];
  const store = {
    get: () => Promise.resolve(undefined),
    list: (_kind: string, filter: ListFilter) => {
      asked.push(filter);
      return Promise.resolve([second, { ...ended, key: 'op2' }, begun] as never[]);
    },
  };
  const open = await listOpenOperations(store, { kind: 'scaleSet.put', resourceId: SCALE_SET });
  expect(open.map(({ key }) => key)).toEqual(['op1', 'op0']);
  expect(asked).toEqual([{ type: 'scaleSet.put', parent: begun.parent }]);
});

test('only operations that ended long ago are forgotten', () => {
  const at = (endTime?: string): Stored<'operation'> => ({
    ...begun,
    body: { ...begun.body, ...(endTime === undefined ? {} : { endTime }) },
  });
  const old = at(new Date(NOON).toISOString());
  const now = NOON + OPERATION_RETENTION_MS + 1;
  expect(forgetOldOperations([at(), old, at(new Date(now).toISOString())], now)).toEqual([
    { remove: 'operation', key: 'op1', expect: 12 },
  ]);
});
