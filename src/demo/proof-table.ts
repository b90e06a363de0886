// The proof as a table for people. Pure text.
import type { Row } from './proof.ts';

/** Two sections: seconds per phase, then one line per promise with its figures below. */
export function proofTable(
  rows: readonly Row[],
  phases: Readonly<Record<string, number>>,
  seconds: number,
): string {
  const names = Object.keys(phases);
  const width = Math.max(...names.map((name) => name.length), 'total'.length);
  const times = [...Object.entries(phases), ['total', seconds] as const].map(
    ([name, value]) => `  ${name.padEnd(width)}  ${value.toFixed(1).padStart(7)} s`,
  );
  const promises = rows.map(
    (row) => `  ${row.kept ? 'kept  ' : 'BROKEN'}  ${row.promise}\n          ${row.figures}`,
  );
  const kept = rows.filter((row) => row.kept).length;
  return [
    'Seconds per phase',
    ...times,
    '',
    'Promises',
    ...promises,
    '',
    `${kept} of ${rows.length} promises kept.`,
  ].join('\n');
}
