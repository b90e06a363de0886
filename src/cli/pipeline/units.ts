// Human units of the pipeline file: one table, each with its parser and its writer. Pure.

export type Unit = 'duration' | 'percent' | 'size';

type UnitRule = {
  /** For messages: what may be written. */
  readonly expects: string;
  /** JSON Schema pattern for editors; `parse` is the judge. */
  readonly pattern: string;
  readonly example: string;
  /** Undefined when `text` has another form. */
  parse(text: string): number | undefined;
};

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const MIB: Readonly<Record<string, number>> = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 };

/** Durations become milliseconds, percents stay percents, sizes become MiB. */
export const UNITS = {
  duration: {
    expects: 'a duration in ms, s, m or h',
    pattern: '^(\\d+(\\.\\d+)?(ms|s|m|h))+$',
    example: '1m30s',
    parse: (text) => {
      const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/gy)];
      if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined;
      return parts.reduce(
        (sum, [, amount, unit]) => sum + Number(amount) * (MS[unit ?? ''] ?? 0),
        0,
      );
    },
  },
  percent: {
    expects: 'a percentage',
    pattern: '^\\d+ ?%$',
    example: '20%',
    parse: (text) => amountOf(/^(\d+) ?%$/, text),
  },
  size: {
    expects: 'a size in MiB, GiB or TiB',
    pattern: '^\\d+ ?(MiB|GiB|TiB)$',
    example: '1GiB',
    parse: (text) => {
      const match = /^(\d+) ?(MiB|GiB|TiB)$/.exec(text);
      return match === null ? undefined : Number(match[1]) * (MIB[match[2] ?? ''] ?? 0);
    },
  },
} as const satisfies Record<Unit, UnitRule>;

/** Unit words people write, and ours. Decimal GB and GiB differ by 7 %, so they are not mixed. */
const COMMON_SLIPS: Readonly<Record<string, string>> = {
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  hour: 'h',
  hours: 'h',
  percent: '%',
  k: 'MiB',
  mb: 'MiB',
  mib: 'MiB',
  g: 'GiB',
  gb: 'GiB',
  gib: 'GiB',
  tb: 'TiB',
  tib: 'TiB',
};

/** Why `value` is not of this unit, and what to write instead. */
export function describeWrongUnit(unit: Unit, value: unknown): string {
  const { expects, example } = UNITS[unit];
  const number = typeof value === 'number' ? String(value) : undefined;
  if (number !== undefined) {
    return `${number} has no unit: write ${expects}, e.g. ${number}${defaultUnit(unit)}`;
  }
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z%]+)\s*$/i.exec(String(value));
  const known = match === null ? undefined : COMMON_SLIPS[(match[2] ?? '').toLowerCase()];
  const better = known === undefined ? undefined : `${match?.[1]}${known}`;
  if (better !== undefined && UNITS[unit].parse(better) !== undefined) {
    return `"${String(value)}" has the unit "${match?.[2]}", which is not known here: write ${better}`;
  }
  return `"${String(value)}" is not ${expects}, e.g. ${example}`;
}

function defaultUnit(unit: Unit): string {
  return { duration: 's', percent: '%', size: 'GiB' }[unit];
}

function amountOf(pattern: RegExp, text: string): number | undefined {
  const match = pattern.exec(text);
  return match === null ? undefined : Number(match[1]);
}

/** `PT1M30S`, as ARM wants it. Whole milliseconds become fractions of a second. */
export function toIsoDuration(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  const text = `${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}`;
  return seconds > 0 || text === '' ? `PT${text}${seconds}S` : `PT${text}`;
}

/** `1m30s`: for people. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${ms}ms`;
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor((ms % 3_600_000) / 60_000);
  const seconds = (ms % 60_000) / 1000;
  const parts = [hours > 0 ? `${hours}h` : '', minutes > 0 ? `${minutes}m` : ''];
  return [...parts, seconds > 0 ? `${seconds}s` : ''].join('') || '0s';
}
