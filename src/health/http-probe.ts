// One http(s) probe: a fresh connection, one GET, 200 or not.
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { HealthTarget } from './health.ts';
import type { ProbeResult } from './judge.ts';

/** Read so that the app is not cut off in mid-answer; only the status counts. */
const MAX_BODY_BYTES = 64 * 1024;

/** Never rejects: whatever goes wrong is the result. */
export function probeHttp(
  target: HealthTarget,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ProbeResult> {
  const { endpoint, probe } = target;
  if (endpoint === undefined) {
    const reason = `port ${probe.port} of the guest cannot be reached from the host`;
    return Promise.resolve({ healthy: false, reason });
  }
  const path = probe.requestPath ?? '/';
  const options: RequestOptions & { rejectUnauthorized: boolean } = {
    ...endpoint,
    path,
    agent: false,
    headers: {
      // The app sees what Azure's extension sends from inside the VM, not a port of ours.
      host: `localhost:${probe.port}`,
      connection: 'close',
      'user-agent': 'rollset-health',
    },
    // Azure's extension does not verify the certificate of an app on its own machine either.
    rejectUnauthorized: false,
  };
  return new Promise((resolve) => {
    const end = (result: ProbeResult) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      request.destroy();
      resolve(result);
    };
    const fail = (reason: string) => end({ healthy: false, reason });
    const onAbort = () => fail('the probe was given up');
    const send = probe.protocol === 'https' ? httpsRequest : httpRequest;
    const request = send(options, (response) => readToEnd(response, path, end));
    const timer = setTimeout(() => fail(`no answer in ${timeoutMs / 1000} s`), timeoutMs);
    request.on('error', (error) => fail(failureOf(error)));
    signal.addEventListener('abort', onAbort, { once: true });
    request.end();
  });
}

function readToEnd(
  response: IncomingMessage,
  path: string,
  end: (result: ProbeResult) => void,
): void {
  const status = response.statusCode ?? 0;
  const judge = () => end({ healthy: status === 200, reason: `HTTP ${status} from ${path}` });
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) judge();
  });
  response.on('end', judge);
}

function failureOf(error: Error & { code?: string }): string {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ECONNRESET':
      return 'connection closed without an answer';
    default:
      return error.message;
  }
}
