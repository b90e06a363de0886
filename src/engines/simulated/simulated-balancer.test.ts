import { expect, test } from 'vitest';
import { SimulatedBalancer } from './simulated-balancer.ts';

const frontend = {
  frontendId: 'lb#http',
  address: '127.77.0.1',
  port: 80,
  backendPort: 8080,
  mode: 'http',
} as const;
const endpoint = { host: '192.0.2.1', port: 20_000 };

test('a backend goes from ready to draining to out and keeps its endpoint', async () => {
  const balancer = new SimulatedBalancer();
  await balancer.ensureFrontends([frontend]);
  for (const state of ['ready', 'draining', 'out'] as const) {
    await balancer.setBackend('lb#http', '0', state, state === 'ready' ? endpoint : undefined);
    expect(await balancer.observe('lb#http')).toEqual([
      { frontendId: 'lb#http', instanceKey: '0', state, endpoint, openConnections: 0 },
    ]);
  }
});

test('pools of kept frontends stay, others go', async () => {
  const balancer = new SimulatedBalancer();
  await balancer.ensureFrontends([frontend]);
  await balancer.setBackend('lb#http', '0', 'ready', endpoint);
  await balancer.ensureFrontends([frontend]);
  expect(await balancer.observe('lb#http')).toHaveLength(1);
  await balancer.removeBackend('lb#http', '0');
  expect(await balancer.observe('lb#http')).toEqual([]);
  await balancer.ensureFrontends([]);
  const lost = balancer.setBackend('lb#http', '0', 'ready', endpoint);
  await expect(lost).rejects.toThrow('there is no frontend lb#http');
});

test('ready needs an endpoint', async () => {
  const balancer = new SimulatedBalancer();
  await balancer.ensureFrontends([frontend]);
  await expect(balancer.setBackend('lb#http', '0', 'ready')).rejects.toThrow('no endpoint');
});
