// One word, symbol and colour for what an instance is doing. Pure.
import type { Colour, Paint } from '../terminal/paint.ts';
import type { FleetStatus, InstanceState } from './status.ts';

export const CELL_STATES = {
  old: { symbol: '○', colour: 'dim' },
  draining: { symbol: '◌', colour: 'yellow' },
  off: { symbol: '·', colour: 'yellow' },
  booting: { symbol: '◐', colour: 'cyan' },
  healthy: { symbol: '●', colour: 'green' },
  unhealthy: { symbol: '!', colour: 'red' },
  restoring: { symbol: '↶', colour: 'magenta' },
  restored: { symbol: '↩', colour: 'magenta' },
  failed: { symbol: '✗', colour: 'red' },
} as const satisfies Record<string, { symbol: string; colour: Colour }>;

export type CellState = keyof typeof CELL_STATES;

/**
 * `target`: the version the fleet is going to, or is on. What the run decided comes first (failed,
 * restored), then what can be seen of the VM.
 */
export function cellState(
  instance: InstanceState,
  status: FleetStatus,
  target: string | undefined,
): CellState {
  const { run } = status;
  const outcome =
    run !== undefined && run !== null && run.targetVersion === target
      ? run.instances[instance.instanceId]?.outcome
      : undefined;
  if (outcome === 'failed') return 'failed';
  if (outcome === 'restored') return 'restored';
  if (outcome === 'restoring') return 'restoring';
  if (instance.balancer === 'draining') return 'draining';
  if (['absent', 'stopped', 'stopping'].includes(instance.power)) return 'off';
  const isOnTarget = target === undefined || instance.version === target;
  if (instance.health === 'Healthy') return isOnTarget ? 'healthy' : 'old';
  if (instance.power === 'starting') return 'booting';
  // Health is Unknown for a moment when a control plane has just taken a running VM over.
  if (instance.health !== 'Unhealthy') return isOnTarget ? 'booting' : 'old';
  return 'unhealthy';
}

/** `●3` */
export function cell(instance: InstanceState, state: CellState, paint: Paint): string {
  const { symbol, colour } = CELL_STATES[state];
  return paint(colour, `${symbol}${instance.instanceId}`);
}

/** The symbols that occur, explained. */
export function legend(states: readonly CellState[], paint: Paint): string {
  const occurring = new Set(states);
  return Object.entries(CELL_STATES)
    .filter(([name]) => occurring.has(name as CellState))
    .map(([name, { symbol, colour }]) => `${paint(colour, symbol)} ${paint('dim', name)}`)
    .join('  ');
}
