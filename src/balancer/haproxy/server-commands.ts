// One backend in HAProxy's words and back: the commands that make it so, and what statistics say. Pure.
import type { BackendObservation, BackendState } from '../balancer.ts';
import { serverName } from './config.ts';
import type { BackendRecord } from './record.ts';
import type { ServerStatistics } from './runtime-socket.ts';

const COMMAND_STATE = { ready: 'ready', draining: 'drain', out: 'maint' } as const;

/** The commands that make a server be as recorded; safe to repeat. */
export function commandsFor({ slot, state, endpoint }: BackendRecord): string[] {
  const server = `b/${serverName(slot)}`;
  const set = `set server ${server} state ${COMMAND_STATE[state]}`;
  if (endpoint === undefined) return [set];
  const move = `set server ${server} addr ${endpoint.host} port ${endpoint.port}`;
  // Nothing is sent to a new address before it is meant to be, nor to an old one any more.
  return state === 'ready' ? [move, set] : [set, move];
}

/** What HAProxy says wins; a backend it finds down by its own checks is still as it was told. */
export function observed(
  backend: BackendRecord,
  server: ServerStatistics | undefined,
): Pick<BackendObservation, 'state' | 'endpoint' | 'openConnections'> {
  const { endpoint } = backend;
  const seen = {
    state: stateOf(server?.status ?? 'MAINT', backend.state),
    openConnections: server?.openConnections ?? 0,
  };
  return endpoint === undefined ? seen : { ...seen, endpoint };
}

function stateOf(status: string, recorded: BackendState): BackendState {
  if (status.startsWith('MAINT')) return 'out';
  if (status.startsWith('DRAIN')) return 'draining';
  return status.startsWith('DOWN') ? recorded : 'ready';
}
