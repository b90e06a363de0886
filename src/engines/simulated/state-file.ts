// The simulated host: its VMs and image layers, kept in one file so that they outlive the process.
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { writeFileAtomically } from '../../support/atomic-file.ts';
import { EngineError } from '../engine.ts';
import { FIRST_PORT } from './limits.ts';
import { vmSchema } from './vm.ts';

const stateSchema = z.object({
  vms: z.array(vmSchema),
  layers: z.array(z.object({ digest: z.string(), sizeBytes: z.number(), base: z.boolean() })),
  nextPort: z.number(),
});

export type SimulatedState = z.infer<typeof stateSchema>;

export const EMPTY_STATE: SimulatedState = { vms: [], layers: [], nextPort: FIRST_PORT };

/** An absent file is an empty host. */
export async function readState(file: string): Promise<SimulatedState> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return EMPTY_STATE;
  const parsed = stateSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.join('.') ?? '';
  throw new EngineError(
    `${file} is not a state of the simulated engine (${where}: ${issue?.message ?? ''}); move it away to begin with no VMs`,
  );
}

/** Writes one state after the other, each whole; one overtaken before its turn is skipped. */
export class StateWriter {
  readonly #file: string;
  #next: SimulatedState | undefined;
  #last: Promise<void> = Promise.resolve();

  constructor(file: string) {
    this.#file = file;
  }

  /** Resolves once this state or a later one is on disk. */
  write(state: SimulatedState): Promise<void> {
    this.#next = state;
    // A state that could not be written was reported to its own caller; this one holds it whole.
    this.#last = this.#last.catch(() => undefined).then(() => this.#writeNext());
    return this.#last;
  }

  async #writeNext(): Promise<void> {
    const state = this.#next;
    if (state === undefined) return;
    this.#next = undefined;
    await writeFileAtomically(this.#file, JSON.stringify(state), 0o600);
  }
}
