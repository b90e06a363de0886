import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../support/testing.ts';
import { RunLog } from './run-log.ts';

const NOW = '1970-01-01T00:00:00.000Z';

function newLog(place: 'folder' | 'below-a-file' = 'folder'): {
  log: RunLog;
  read: (name: string) => string[];
  errors: unknown[];
} {
  const made = mkdtempSync(join(tmpdir(), 'rollset-log-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  const errors: unknown[] = [];
  const folder = place === 'folder' ? made : join(made, 'file', 'run');
  writeFileSync(join(made, 'file'), '');
  const log = new RunLog(folder, new ManualClock(), (error) => errors.push(error));
  const read = (name: string) => readFileSync(join(made, name), 'utf8').trimEnd().split('\n');
  return { log, read, errors };
}

test('every line has its time and step, whatever pieces it came in', () => {
  const { log, read } = newLog();
  log.beginStep('customization.log', 'Customizing', 'shell 1');
  log.output('fir');
  log.output('st\nsecond\n10 %\r20 %\r30 %\nlast without end');
  log.note('done');
  expect(read('customization.log')).toEqual([
    `${NOW} ==> Customizing: shell 1`,
    ...['first', 'second', '30 %', 'last without end'].map((line) => `${NOW} shell 1 | ${line}`),
    `${NOW} shell 1: done`,
  ]);
  log.close();
});

test('validation has a file of its own, last lines are those of the step', () => {
  const { log, read } = newLog();
  log.beginStep('customization.log', 'Customizing', 'a');
  log.output('of a\n');
  log.beginStep('validation.log', 'Validating', 'b');
  for (let i = 0; i < 25; i += 1) log.output(`of b ${i}\n`);
  log.output('half');
  expect(log.lastLines()).toHaveLength(20);
  expect(log.lastLines().at(-1)).toBe('half');
  log.close();
  expect(read('customization.log')).toHaveLength(2);
  expect(read('validation.log')[0]).toBe(`${NOW} ==> Validating: b`);
});

test('a log that cannot be written is told, and the run goes on', () => {
  const { log, errors } = newLog('below-a-file');
  log.beginStep('customization.log', 'Customizing', 'a');
  log.output('still here\n');
  expect(log.lastLines()).toEqual(['still here']);
  expect(errors).toHaveLength(1);
  log.close();
});
