import { expect, test } from 'vitest';
import { parseStatistics } from './runtime-socket.ts';

test('statistics are found by the names of their columns', () => {
  const csv = '# pxname,svname,scur,new,status,addr,\nb,s1,3,?,UP 1/2,127.0.0.1:4001,\n\n';
  expect(parseStatistics(csv)).toEqual([
    { name: 's1', status: 'UP 1/2', openConnections: 3, address: '127.0.0.1:4001' },
  ]);
});

test('statistics without a column we need are refused with what came instead', () => {
  expect(() => parseStatistics('Permission denied\n')).toThrow(
    "HAProxy's statistics lack svname: Permission denied",
  );
});
