import { expect, test } from 'vitest';
import { compileCustomizers, compileValidators, filesOf, type GuestStep } from './customizers.ts';
import { TemplateError } from './template-error.ts';

const SUM = 'ab'.repeat(32);

test.each<[string, { type: string; [key: string]: unknown }, GuestStep]>([
  [
    'inline lines become one script that ends at the first failing line',
    { type: 'Shell', inline: ['apt-get update', 'apt-get install -y nginx'] },
    {
      kind: 'inline',
      name: 'shell 1',
      script: 'apt-get update\napt-get install -y nginx\n',
    },
  ],
  [
    'a name is kept',
    { type: 'Shell', name: 'install', inline: ['true'] },
    { kind: 'inline', name: 'install', script: 'true\n' },
  ],
  [
    'a script is a file to fetch',
    { type: 'Shell', scriptUri: 'https://x/a.sh', sha256Checksum: SUM },
    {
      kind: 'script',
      name: 'shell 1',
      file: { fileName: 'customize-0', uri: 'https://x/a.sh', sha256Checksum: SUM },
    },
  ],
  [
    'an empty checksum is none',
    { type: 'Shell', scriptUri: 'https://x/a.sh', sha256Checksum: '' },
    { kind: 'script', name: 'shell 1', file: { fileName: 'customize-0', uri: 'https://x/a.sh' } },
  ],
  [
    'a file has a destination',
    { type: 'File', sourceUri: 'https://x/app.tar.gz', destination: '/tmp/app.tar.gz' },
    {
      kind: 'file',
      name: 'file 1',
      file: { fileName: 'customize-0', uri: 'https://x/app.tar.gz' },
      destination: '/tmp/app.tar.gz',
    },
  ],
])('%s', (_why, customizer, expected) => {
  expect(compileCustomizers([customizer])).toEqual([expected]);
});

test.each([
  ['no type we know', { type: 'Chef' }, 'BadCustomizerType', 'customize[1]: type "Chef"'],
  ['a Windows type', { type: 'PowerShell', inline: ['x'] }, 'UnsupportedCustomizerType', 'Windows'],
  ['a Shell with neither', { type: 'Shell' }, 'NoCustomizerScript', 'inline or scriptUri'],
  ['an empty inline', { type: 'Shell', inline: [] }, 'NoCustomizerScript', 'inline or scriptUri'],
  [
    'a Shell with both',
    { type: 'Shell', inline: ['x'], scriptUri: 'https://x/a' },
    'NoCustomizerScript',
    'not both',
  ],
  [
    'a novel',
    { type: 'Shell', inline: ['x'.repeat(70_000)] },
    'NoCustomizerScript',
    'inline is longer than 65536 bytes; use scriptUri',
  ],
  ['a File without a source', { type: 'File', destination: '/tmp/a' }, 'NoCustomizerScript', ''],
  [
    'a folder as destination',
    { type: 'File', sourceUri: 'https://x/a', destination: '/tmp/' },
    'BadCustomizerType',
    'field destination must be the absolute path of a file',
  ],
  [
    'a relative destination',
    { type: 'File', sourceUri: 'https://x/a', destination: 'a' },
    'BadCustomizerType',
    'absolute path',
  ],
  [
    'a checksum in capitals',
    { type: 'Shell', scriptUri: 'https://x/a', sha256Checksum: SUM.toUpperCase() },
    'NoCustomizerScript',
    '64 lower-case hex digits',
  ],
])('refuses %s', (_why, customizer, code, text) => {
  const fine = { type: 'Shell', inline: ['true'] };
  const refused = catchError(() => compileCustomizers([fine, customizer]));
  expect(refused).toBeInstanceOf(TemplateError);
  expect(refused).toMatchObject({ code });
  expect((refused as Error).message).toContain(text);
  expect((refused as Error).message).toMatch(/^ImageTemplate\.properties\.customize\[1\]/);
});

test('steps are numbered by their place, validators have codes and files of their own', () => {
  const file = { type: 'File', sourceUri: 'https://x/a', destination: '/tmp/a' };
  const script = { type: 'Shell', scriptUri: 'https://x/b' };
  const steps = compileValidators([file, script]);
  expect(steps.map(({ name }) => name)).toEqual(['file 1', 'shell 2']);
  expect(filesOf(steps).map(({ fileName }) => fileName)).toEqual(['validate-0', 'validate-1']);
  expect(catchError(() => compileValidators([{ type: 'Shell' }]))).toMatchObject({
    code: 'NoValidatorScript',
  });
  expect(catchError(() => compileValidators([{ type: 'PowerShell' }]))).toMatchObject({
    code: 'UnsupportedValidatorType',
  });
});

function catchError(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  return undefined;
}
