// Compiles the pipeline's steps to Azure Image Builder's customizers, alike for both targets. Pure.
//
// Azure runs them as an ordinary user who may write to /tmp only and may sudo; File copies one file.
import type { JsonObject } from '../../model/resource.ts';
import { assertNever } from '../../support/assert.ts';
import type { Blob } from './archive.ts';
import type { SourceStep } from './load.ts';
import { shellQuote } from './shell-quote.ts';

/** Debian's packages must not ask questions: nobody is there to answer. */
const AS_ROOT = 'sudo -H env DEBIAN_FRONTEND=noninteractive';

export function compileSteps(
  steps: readonly SourceStep[],
  urlOf: (blob: Blob) => string,
): JsonObject[] {
  return steps.flatMap((step) => compileStep(step, urlOf));
}

function compileStep(step: SourceStep, urlOf: (blob: Blob) => string): JsonObject[] {
  switch (step.kind) {
    case 'commands':
      return [
        shell(
          step.name,
          step.lines.map((line) => `${AS_ROOT} sh -ec ${quoted(line)}`),
        ),
      ];
    case 'script': {
      const sent = `/tmp/rollset-${step.blob.sha256.slice(0, 8)}.script`;
      return [
        copy(`send ${step.name}`, step.blob, sent, urlOf),
        shell(step.name, [`chmod 0755 ${sent}`, `${AS_ROOT} ${sent}`, `rm -f ${sent}`]),
      ];
    }
    case 'folder': {
      const sent = `/tmp/rollset-${step.blob.sha256.slice(0, 8)}.tar.gz`;
      const destination = quoted(step.destination);
      const unpack = `sudo mkdir -p ${destination} && sudo tar -xzf ${sent} -C ${destination} --no-same-owner && rm -f ${sent}`;
      return [copy(`send ${step.name}`, step.blob, sent, urlOf), shell(step.name, [unpack])];
    }
    case 'file': {
      const sent = `/tmp/rollset-${step.blob.sha256.slice(0, 8)}.file`;
      const install = `sudo install -D -m ${step.mode} ${sent} ${quoted(step.destination)} && rm -f ${sent}`;
      return [copy(`send ${step.name}`, step.blob, sent, urlOf), shell(step.name, [install])];
    }
    case 'azure':
      return [{ ...step.customizer, name: step.name }];
    default:
      return assertNever(step);
  }
}

function shell(name: string, inline: string[]): JsonObject {
  return { type: 'Shell', name, inline };
}

function copy(
  name: string,
  blob: Blob,
  destination: string,
  urlOf: (blob: Blob) => string,
): JsonObject {
  return { type: 'File', name, sourceUri: urlOf(blob), destination, sha256Checksum: blob.sha256 };
}

/** Always in quotes: a command line of one word, too, is easier to read so. */
function quoted(text: string): string {
  const word = shellQuote(text);
  return word.startsWith("'") ? word : `'${word}'`;
}
