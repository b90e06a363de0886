// `Rollset.Fleet/runReports/latest` of an image template: the steps of a bake, and their lines. Pure.
import { z } from 'zod';
import type { JsonObject } from '../../model/resource.ts';
import { elapsed } from '../fleet/render.ts';
import type { Paint } from '../terminal/paint.ts';

const stepSchema = z.looseObject({
  name: z.string(),
  phase: z.string(),
  state: z.string(),
  startedAt: z.string().nullish(),
  endedAt: z.string().nullish(),
  exitCode: z.int().nullish(),
  cached: z.boolean().default(false),
  lastLines: z.array(z.string()).default([]),
});

const reportSchema = z.looseObject({
  runId: z.string(),
  operationId: z.string().nullish(),
  state: z.string(),
  logUri: z.string().nullish(),
  steps: z.array(stepSchema).default([]),
  layerBytes: z.number().nullish(),
  versionId: z.string().nullish(),
});

export type RunReport = z.infer<typeof reportSchema>;
type Step = RunReport['steps'][number];

export function parseRunReport(body: JsonObject): RunReport {
  return reportSchema.parse(body['properties'] ?? body);
}

const SYMBOLS = { pending: '·', running: '◐', succeeded: '✓', failed: '✗' } as const;
const COLOURS = { pending: 'dim', running: 'cyan', succeeded: 'green', failed: 'red' } as const;

/** One line a step, with its time. */
export function renderSteps(report: RunReport, now: number, paint: Paint): string[] {
  return report.steps.map((step) => {
    const state = step.state in SYMBOLS ? (step.state as keyof typeof SYMBOLS) : 'pending';
    return `  ${paint(COLOURS[state], SYMBOLS[state])} ${titleOf(step)}${paint('dim', timeOf(step, now))}`;
  });
}

/** What happened since `before`, a line each, for output that cannot be redrawn. */
export function describeSteps(
  before: RunReport | undefined,
  after: RunReport,
  now: number,
): string[] {
  return after.steps.flatMap((step, index) => {
    const known = before?.runId === after.runId ? before.steps[index]?.state : undefined;
    if (known === step.state || step.state === 'pending') return [];
    if (step.state === 'running') return [`step ${titleOf(step)}`];
    const code = step.exitCode ? `, exit code ${step.exitCode}` : '';
    return [`step ${titleOf(step)} ${step.state}${code}${timeOf(step, now)}`];
  });
}

/** `{name, seconds, cached}` of each step, as `--output json` promises. */
export function stepResults(report: RunReport | undefined) {
  return (report?.steps ?? []).map((step) => ({
    name: step.name,
    seconds: step.startedAt && step.endedAt ? secondsBetween(step.startedAt, step.endedAt) : 0,
    cached: step.cached,
  }));
}

export function failedStep(report: RunReport | undefined): Step | undefined {
  return report?.steps.find(({ state }) => state === 'failed');
}

export function secondsBetween(start: string, end: string): number {
  return Math.round((Date.parse(end) - Date.parse(start)) / 100) / 10;
}

function titleOf(step: Step): string {
  return `${step.phase.toLowerCase()}: ${step.name}`;
}

function timeOf(step: Step, now: number): string {
  if (step.cached) return '  cached';
  return step.startedAt ? `  ${elapsed(step.startedAt, step.endedAt, now)}` : '';
}
