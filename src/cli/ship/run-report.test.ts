import { expect, test } from 'vitest';
import { NOON } from '../fleet/testing.ts';
import { plain } from '../terminal/paint.ts';
import {
  describeSteps,
  failedStep,
  parseRunReport,
  renderSteps,
  stepResults,
} from './run-report.ts';

const at = (seconds: number) => new Date(NOON + seconds * 1000).toISOString();

/** `states` of the steps build VM, packages, publish; each begins a second after the one before. */
function report(states: string) {
  const steps = [
    { name: 'build VM', phase: 'Building' },
    { name: 'packages', phase: 'Customizing' },
    { name: 'publish', phase: 'Distributing' },
  ];
  return parseRunReport({
    properties: {
      runId: 'r1',
      state: 'Running',
      steps: states.split(' ').map((state, index) => ({
        ...steps[index],
        ...(state === 'cached' ? { state: 'succeeded', cached: true } : { state }),
        ...(state === 'pending' ? {} : { startedAt: at(index) }),
        ...(state === 'pending' || state === 'running' ? {} : { endedAt: at(index + 1) }),
        ...(state === 'failed' ? { exitCode: 7, lastLines: ['E: no such package'] } : {}),
      })),
    },
  });
}

test('each step has a line with its state and time', () => {
  expect(renderSteps(report('succeeded running pending'), NOON + 3500, plain)).toEqual([
    '  ✓ building: build VM  1s',
    '  ◐ customizing: packages  2.5s',
    '  · distributing: publish',
  ]);
  expect(renderSteps(report('succeeded cached pending'), NOON, plain)[1]).toBe(
    '  ✓ customizing: packages  cached',
  );
});

test('without a terminal each change is one line', () => {
  const first = report('running pending pending');
  const second = report('succeeded running pending');
  const third = report('succeeded failed pending');
  expect(describeSteps(undefined, first, NOON)).toEqual(['step building: build VM']);
  expect(describeSteps(first, first, NOON)).toEqual([]);
  expect(describeSteps(first, second, NOON)).toEqual([
    'step building: build VM succeeded  1s',
    'step customizing: packages',
  ]);
  expect(describeSteps(second, third, NOON)).toEqual([
    'step customizing: packages failed, exit code 7  1s',
  ]);
});

test('results name each step, its seconds, and whether it was cached', () => {
  expect(stepResults(report('succeeded cached pending'))).toEqual([
    { name: 'build VM', seconds: 1, cached: false },
    { name: 'packages', seconds: 1, cached: true },
    { name: 'publish', seconds: 0, cached: false },
  ]);
  expect(failedStep(report('succeeded failed pending'))?.lastLines).toEqual(['E: no such package']);
});
