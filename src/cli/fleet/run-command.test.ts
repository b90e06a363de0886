import { expect, test } from 'vitest';
import { parseResult } from './run-command.ts';

const azure = (stdout: string, stderr = '') => ({
  value: [
    {
      code: 'ProvisioningState/succeeded',
      message: `Enable succeeded: \n[stdout]\n${stdout}\n[stderr]\n${stderr}`,
    },
  ],
});

test.each([
  [
    'our own answer',
    { value: [], stdout: 'hi\n\nrollset-exit-code:3\n', stderr: 'e', exitCode: 3 },
    { stdout: 'hi\n', stderr: 'e', exitCode: 3 },
  ],
  [
    "Azure's one message",
    azure('hi\n\nrollset-exit-code:2\n', 'oops'),
    { stdout: 'hi\n', stderr: 'oops', exitCode: 2 },
  ],
  [
    'output that looks like its end',
    azure('[stderr]\n\nrollset-exit-code:0\n'),
    { stdout: '[stderr]\n', stderr: '', exitCode: 0 },
  ],
  [
    'a status for each stream',
    {
      value: [
        { code: 'ComponentStatus/StdOut/succeeded', message: 'hi\nrollset-exit-code:0\n' },
        { code: 'ComponentStatus/StdErr/succeeded', message: 'e' },
      ],
    },
    { stdout: 'hi', stderr: 'e', exitCode: 0 },
  ],
])('%s gives both streams and the exit code', (_what, answer, expected) => {
  expect(parseResult(answer)).toEqual(expected);
});

test('without an end there is no exit code to pass on', () => {
  expect(() => parseResult(azure('half', 'the agent went away'))).toThrow(
    /did not come to its end.*half/s,
  );
});
