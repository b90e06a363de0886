// The control plane's log: JSON lines on stderr, for a journal or a file.
import { pino } from 'pino';
import type { Logger } from 'pino';

/** A person at a terminal is told of trouble only; a file or a journal gets it all. */
export function createLogger(isTty: boolean, debug: boolean): Logger {
  const level = debug ? 'debug' : isTty ? 'warn' : 'info';
  const destination = pino.destination({ dest: 2, sync: false });
  // A full disk must not stop the control plane for the sake of its log: the line is lost.
  destination.on('error', () => undefined);
  return pino({ level, base: null }, destination);
}
