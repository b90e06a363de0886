// ISO 8601 durations, as Azure writes them (`PT5M`, `PT1H30M`, `P1D`), to milliseconds. Pure.

const PATTERN = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d{1,7})?)S)?)?$/;

/** Undefined for anything that is not a duration of days or less (no years, months or weeks). */
export function parseIsoDuration(text: string): number | undefined {
  const match = PATTERN.exec(text);
  if (match === null || text === 'P' || text.endsWith('T')) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = match
    .slice(1)
    .map((part) => Number(part ?? 0));
  const ms = Math.round(((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000);
  return Number.isSafeInteger(ms) ? ms : undefined;
}

/** `PT1M30S` of 90,000; the shortest form, `PT0S` of nothing. */
export function toIsoDuration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  const seconds = (ms % 60_000) / 1000;
  const parts = [
    [Math.floor(minutes / 60), 'H'],
    [minutes % 60, 'M'],
    [seconds, 'S'],
  ] as const;
  const text = parts.map(([value, unit]) => (value === 0 ? '' : `${value}${unit}`)).join('');
  return `PT${text === '' ? '0S' : text}`;
}
