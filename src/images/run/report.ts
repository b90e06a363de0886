// The run report: what each step of a run did, when, and how it ended. Pure.
import { z } from 'zod';
import { asResourceId, providerResourceId, resourceKey } from '../../model/resource-id.ts';
import type { ResourceId } from '../../model/resource-id.ts';
import type { JsonObject, ResourceRow } from '../../model/resource.ts';
import type { Put } from '../../store/store.ts';
import type { RunPhase, RunStep } from './plan.ts';

export type StepReport = {
  readonly name: string;
  readonly phase: RunPhase;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed';
  /** ISO 8601. */
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly exitCode?: number;
  /** Of a failed step. */
  readonly lastLines?: readonly string[];
};

export type RunState = 'Queued' | 'Running' | 'Succeeded' | 'Failed' | 'Canceled';

export type RunReport = {
  readonly runId: string;
  readonly operationId: string;
  readonly state: RunState;
  readonly logUri: string;
  readonly steps: readonly StepReport[];
  readonly layerBytes?: number;
  readonly versionId?: ResourceId;
  readonly error?: { readonly code: string; readonly message: string };
};

export function newReport(runId: string, logUri: string, plan: readonly RunStep[]): RunReport {
  return {
    runId,
    operationId: runId,
    state: 'Queued',
    logUri,
    steps: plan.map(({ name, phase }) => ({ name, phase, state: 'pending' })),
  };
}

export function stepStarted(report: RunReport, index: number, now: string): RunReport {
  const started = changeStep(report, index, { state: 'running', startedAt: now });
  return { ...started, state: 'Running' };
}

export function stepSucceeded(report: RunReport, index: number, now: string): RunReport {
  return changeStep(report, index, { state: 'succeeded', endedAt: now });
}

export function stepFailed(
  report: RunReport,
  index: number,
  now: string,
  facts: { readonly exitCode?: number; readonly lastLines: readonly string[] },
): RunReport {
  return changeStep(report, index, { state: 'failed', endedAt: now, ...facts });
}

/** A report of a run whose control plane died: what ran then has no end of its own. */
export function interrupted(report: RunReport, now: string): RunReport {
  const index = report.steps.findIndex(({ state }) => state === 'running');
  return index === -1 ? report : stepFailed(report, index, now, { lastLines: [] });
}

/** The write of `<template id>/providers/Rollset.Fleet/runReports/latest`. */
export function reportPut(templateId: string, report: RunReport, now: string): Put<'resource'> {
  const id = reportId(templateId);
  return {
    put: 'resource',
    key: resourceKey(id),
    parent: resourceKey(templateId),
    type: 'rollset.fleet/runreports',
    body: {
      id: asResourceId(id),
      type: 'Rollset.Fleet/runReports',
      name: 'latest',
      body: { properties: toJson(report) },
      internal: {},
      provisioningState: 'Succeeded',
      generation: 1,
      createdAt: now,
      changedAt: now,
    },
  };
}

export function reportId(templateId: string): ResourceId {
  return providerResourceId(templateId, 'Rollset.Fleet', 'runReports', 'latest');
}

const reportSchema = z.object({
  runId: z.string(),
  operationId: z.string(),
  state: z.enum(['Queued', 'Running', 'Succeeded', 'Failed', 'Canceled']),
  logUri: z.string(),
  steps: z.array(
    z.object({
      name: z.string(),
      phase: z.enum(['Building', 'Customizing', 'Deprovisioning', 'Validating', 'Distributing']),
      state: z.enum(['pending', 'running', 'succeeded', 'failed']),
      startedAt: z.string().exactOptional(),
      endedAt: z.string().exactOptional(),
      exitCode: z.number().exactOptional(),
      lastLines: z.array(z.string()).exactOptional(),
    }),
  ),
});

/** The report of a run that has not ended, as `reportPut` wrote it. */
export function readReport(row: ResourceRow | undefined): RunReport | undefined {
  const parsed = reportSchema.safeParse(row?.body['properties']);
  return parsed.success ? parsed.data : undefined;
}

function toJson(report: RunReport): JsonObject {
  const { steps, error, versionId, layerBytes, ...rest } = report;
  return {
    ...rest,
    steps: steps.map(({ lastLines, ...step }) => ({
      ...step,
      // Steps are not cached yet; clients already show the field.
      cached: false,
      ...(lastLines === undefined ? {} : { lastLines: [...lastLines] }),
    })),
    ...(layerBytes === undefined ? {} : { layerBytes }),
    ...(versionId === undefined ? {} : { versionId }),
    ...(error === undefined ? {} : { error: { ...error } }),
  };
}

function changeStep(report: RunReport, index: number, change: Partial<StepReport>): RunReport {
  const steps = report.steps.map((step, i) => (i === index ? { ...step, ...change } : step));
  return { ...report, steps };
}
