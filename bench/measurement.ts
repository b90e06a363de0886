// Samples and what is made of them. Pure.

export type Comparison = {
  readonly name: string;
  /** What it cannot be faster than, and what it takes; seconds, one pair per round. */
  readonly limitSeconds: readonly number[];
  readonly oursSeconds: readonly number[];
  /** Times the limit. */
  readonly aim: number;
};

export type Latency = {
  readonly name: string;
  readonly seconds: readonly number[];
  readonly aimSeconds: number;
};

export type Measurement = Comparison | Latency;

export type Row = {
  readonly name: string;
  readonly median: string;
  readonly limit: string;
  readonly ratio: string;
  readonly aim: string;
  readonly met: boolean;
};

/** The middle one, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error('no samples, no median');
  return (low + high) / 2;
}

export function toRow(measured: Measurement): Row {
  if ('seconds' in measured) {
    const value = median(measured.seconds);
    return {
      name: measured.name,
      median: `${value.toFixed(2)} s`,
      limit: '',
      ratio: '',
      aim: `≤ ${measured.aimSeconds} s`,
      met: value <= measured.aimSeconds,
    };
  }
  const [ours, limit] = [median(measured.oursSeconds), median(measured.limitSeconds)];
  return {
    name: measured.name,
    median: `${ours.toFixed(2)} s`,
    limit: `${limit.toFixed(2)} s`,
    ratio: `${(ours / limit).toFixed(2)} ×`,
    aim: `≤ ${measured.aim} ×`,
    met: ours / limit <= measured.aim,
  };
}

export function toTable(rows: readonly Row[]): string {
  const header = { name: 'what', median: 'median', limit: 'limit', ratio: 'ratio', aim: 'aim' };
  const keys = ['name', 'median', 'limit', 'ratio', 'aim'] as const;
  const width = (key: (typeof keys)[number]) =>
    Math.max(...[header, ...rows].map((row) => row[key].length));
  const line = (row: Record<(typeof keys)[number], string>, end: string) =>
    [...keys.map((key) => row[key].padEnd(width(key))), end].join('  ').trimEnd();
  return [line(header, ''), ...rows.map((row) => line(row, row.met ? 'met' : 'not met'))].join(
    '\n',
  );
}
