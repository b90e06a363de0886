// Writes the configuration of one HAProxy process, which serves one frontend. Pure.
//
// The numbers come from trials with 15,000 to 19,000 requests a run, in which these options lost none
// while a backend was drained, stopped and came back elsewhere (HAProxy 2.6.12).
import { createHash } from 'node:crypto';
import type { FrontendSpec } from '../balancer.ts';
import type { BackendRecord } from './record.ts';

export type ProcessSettings = {
  readonly socketPath: string;
  /** Whom the process becomes after binding; only root can ask for it. */
  readonly runAs?: { readonly uid: number; readonly gid: number };
};

/** Connections a process may hold, two descriptors each; keeps its memory in bounds too. */
const MAX_DESCRIPTORS = 20_000;
/** After a replaced or removed process was told to stop, its last connections get this long. */
const HARD_STOP_SECONDS = 30;
/** Where a free slot points: nothing listens there, and it is disabled anyway. */
const NOWHERE = '127.0.0.1:1';

/** Names the configuration without its backends, so that a running process can be recognised. */
export function configFingerprint(
  spec: FrontendSpec,
  slots: number,
  settings: ProcessSettings,
): string {
  const text = renderConfig(spec, slots, [], settings, '');
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

/** `fingerprint` comes back in `show info`. Slots without a backend are disabled. */
export function renderConfig(
  spec: FrontendSpec,
  slots: number,
  backends: readonly BackendRecord[],
  settings: ProcessSettings,
  fingerprint: string,
): string {
  const bySlot = new Map(backends.map((backend) => [backend.slot, backend]));
  const servers = Array.from({ length: slots }, (_, i) => renderServer(i + 1, bySlot.get(i + 1)));
  return [
    ...globalSection(settings, fingerprint),
    ...(spec.mode === 'http' ? HTTP_DEFAULTS : TCP_DEFAULTS),
    'frontend f',
    `  bind ${spec.address}:${spec.port}`,
    '  default_backend b',
    'backend b',
    ...(spec.mode === 'http' ? httpBackend(spec) : ['  balance leastconn']),
    ...servers,
    '',
  ].join('\n');
}

function globalSection(settings: ProcessSettings, fingerprint: string): string[] {
  return [
    'global',
    '  nbthread 1',
    // Two processes of one user could otherwise share a port without either noticing.
    '  noreuseport',
    `  fd-hard-limit ${MAX_DESCRIPTORS}`,
    `  hard-stop-after ${HARD_STOP_SECONDS}s`,
    // Health checks of many backends do not all start in the same instant.
    '  spread-checks 20',
    `  stats socket ${settings.socketPath} mode 600 level admin expose-fd listeners`,
    // The watching connection stays open and idle.
    '  stats timeout 24h',
    ...(settings.runAs === undefined
      ? []
      : [`  uid ${settings.runAs.uid}`, `  gid ${settings.runAs.gid}`]),
    ...(fingerprint === '' ? [] : [`  description ${fingerprint}`]),
  ];
}

const HTTP_DEFAULTS: readonly string[] = [
  'defaults',
  '  mode http',
  '  timeout connect 1s',
  '  timeout client 60s',
  '  timeout http-request 10s',
  '  timeout http-keep-alive 60s',
  // A VM that hangs accepts connections all the same: user networking does it for the guest.
  '  timeout server 30s',
  '  timeout tunnel 1h',
  // Longer than a check takes on a busy host: a false alarm on all backends is an outage.
  '  timeout check 3s',
  // Clients keep their connections; each request gets a fresh one to a backend, so it never meets
  // one that the app is about to close, and a draining backend is rid of clients at once.
  '  option http-server-close',
  // When this process is replaced, idle clients are told with their next answer.
  '  option idle-close-on-response',
  '  option redispatch 1',
  '  retries 3',
  '  retry-on conn-failure empty-response response-timeout',
];

const TCP_DEFAULTS: readonly string[] = [
  'defaults',
  '  mode tcp',
  '  timeout connect 1s',
  // Azure Load Balancer's default idle timeout.
  '  timeout client 4m',
  '  timeout server 4m',
  '  option redispatch 1',
  '  retries 3',
];

function httpBackend({ checkPath, backendPort }: FrontendSpec): string[] {
  return [
    '  balance roundrobin',
    // Sending again what may have run is for requests that only read.
    '  http-request disable-l7-retry unless { method GET HEAD }',
    ...(checkPath === undefined
      ? []
      : [
          '  option httpchk',
          `  http-check send meth GET uri ${quote(checkPath)} ver HTTP/1.1 hdr host localhost:${backendPort} hdr user-agent rollset-balancer`,
          '  http-check expect status 200',
          '  default-server check inter 1s fastinter 500ms fall 2 rise 1',
        ]),
  ];
}

/** A new process serves at once: its ready backends are in its configuration. */
function renderServer(slot: number, backend: BackendRecord | undefined): string {
  const at = backend?.endpoint;
  const address = at === undefined ? NOWHERE : `${at.host}:${at.port}`;
  const disabled = backend?.state === 'ready' ? '' : ' disabled';
  return `  server ${serverName(slot)} ${address}${disabled}`;
}

export function serverName(slot: number): string {
  return `s${slot}`;
}

/** In HAProxy's strong quotes, where only the quote is special; a line end is no part of a path. */
function quote(path: string): string {
  return `'${path.replaceAll(/[\s\p{Cc}']/gu, percentEncode)}'`;
}

function percentEncode(character: string): string {
  return Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).padStart(2, '0')}`)
    .join('')
    .toUpperCase();
}
