import { expect, test } from 'vitest';
import { hostTraces } from './host-traces.ts';

test('proxies of the environment and of apt, each once, DIRECT not among them', () => {
  const apt = `APT::Architecture "amd64";
Acquire::http::Proxy "http://proxy.corp:3128";
Acquire::https::Proxy::deb.example.org "DIRECT";
Acquire::https::Proxy "http://user:pw@proxy.corp:3129";`;
  const environment = {
    http_proxy: 'http://proxy.corp:3128',
    HTTPS_PROXY: 'http://other:1',
    PATH: '/bin',
  };
  expect(hostTraces(environment, apt)).toEqual([
    'http://proxy.corp:3128',
    'http://other:1',
    'http://user:pw@proxy.corp:3129',
  ]);
  expect(hostTraces({}, '')).toEqual([]);
});
