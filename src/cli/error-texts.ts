// What a call that cannot be read is told: one sentence each, in one voice with all other errors.
import { ArgumentScannerError, formatMessageForArgumentScannerError, text_en } from '@stricli/core';
import type { ApplicationText } from '@stricli/core';
import { describeError, sentenceOf } from './failure.ts';

export function errorTexts(debug: boolean): ApplicationText {
  const describe = (error: unknown) => describeError(error, debug);
  return {
    ...text_en,
    exceptionWhileRunningCommand: describe,
    exceptionWhileLoadingCommandFunction: describe,
    exceptionWhileLoadingCommandContext: describe,
    commandErrorResult: describe,
    exceptionWhileParsingArguments: (error) =>
      error instanceof ArgumentScannerError
        ? `rollset: ${formatMessageForArgumentScannerError(error, SENTENCES)}`
        : describe(error),
    noCommandRegisteredForInput: ({ input, corrections }) =>
      corrections.length > 0
        ? `rollset: there is no command ${input}: did you mean ${corrections.join(' or ')}?`
        : `rollset: there is no command ${input}: see rollset --help`,
  };
}

/** Where the library's own sentence does not name the flag or what is allowed. */
const SENTENCES: Parameters<typeof formatMessageForArgumentScannerError>[1] = {
  EnumValidationError: ({ externalFlagName, input, values }) =>
    `--${externalFlagName} ${input}: expected ${values.join(' or ')}`,
  ArgumentParseError: ({ externalFlagNameOrPlaceholder, input, exception }) =>
    `--${externalFlagNameOrPlaceholder} ${input}: ${sentenceOf(exception)}`,
  FlagNotFoundError: ({ input, corrections }) => {
    const hint = corrections.map((each) => `--${each}`).join(' or ');
    return hint === ''
      ? `there is no flag --${input}: see --help`
      : `there is no flag --${input}: did you mean ${hint}?`;
  },
};
