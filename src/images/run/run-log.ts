// The live log of a run: `customization.log` and `validation.log` in the run's folder. Each line has
// the time, the step, and what it printed; it is on disk as soon as it was said.
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, isoTime } from '../../support/clock.ts';
import { LAST_LINE_CHARACTERS, LAST_LINES, LOG_BYTES_MAX } from '../limits.ts';

export type LogFile = 'customization.log' | 'validation.log';

export class RunLog {
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #onWriteError: (error: unknown) => void;
  #file: number | undefined;
  #fileName: LogFile | undefined;
  #bytes = 0;
  #step = '';
  /** Output of the current step that has no line end yet. */
  #partial = '';
  #lastLines: string[] = [];

  /** `onWriteError` is told once per file; a run does not fail for want of its log. */
  constructor(folder: string, clock: Clock, onWriteError: (error: unknown) => void) {
    this.#folder = folder;
    this.#clock = clock;
    this.#onWriteError = onWriteError;
  }

  /** What follows belongs to this step; the last lines begin anew. */
  beginStep(file: LogFile, phase: string, step: string): void {
    this.#flushPartial();
    this.#openFile(file);
    this.#step = step;
    this.#lastLines = [];
    this.#write(`==> ${phase}: ${step}`);
  }

  /** A sentence of ours about the current step. */
  note(sentence: string): void {
    this.#flushPartial();
    for (const line of sentence.split('\n')) this.#write(`${this.#step}: ${line}`);
  }

  /** Output of the current step, in whatever pieces it comes. */
  output(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#outputLine(line);
    // A progress bar never ends its line.
    if (this.#partial.length > 64 * 1024) this.#flushPartial();
  }

  /** Of the current step, shortened; for messages. */
  lastLines(): readonly string[] {
    this.#flushPartial();
    return this.#lastLines;
  }

  close(): void {
    this.#flushPartial();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#fileName = undefined;
  }

  #flushPartial(): void {
    const line = this.#partial;
    this.#partial = '';
    if (line !== '') this.#outputLine(line);
  }

  #outputLine(raw: string): void {
    // Of a line redrawn with carriage returns only the last state is worth keeping.
    const redrawn = raw.replace(/\r+$/, '');
    const line = redrawn.slice(redrawn.lastIndexOf('\r') + 1);
    if (line.trim() !== '') {
      this.#lastLines.push(line.slice(0, LAST_LINE_CHARACTERS));
      if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
    }
    this.#write(`${this.#step} | ${line}`);
  }

  #write(line: string): void {
    if (this.#file === undefined || this.#bytes > LOG_BYTES_MAX) return;
    const text = `${isoTime(this.#clock.now())} ${line}\n`;
    this.#bytes += Buffer.byteLength(text);
    const cut = `… the log is longer than ${LOG_BYTES_MAX} bytes; the rest is left out\n`;
    try {
      writeSync(this.#file, this.#bytes > LOG_BYTES_MAX ? cut : text);
    } catch (error) {
      this.#bytes = Number.POSITIVE_INFINITY;
      this.#onWriteError(error);
    }
  }

  #openFile(name: LogFile): void {
    if (this.#fileName === name) return;
    this.close();
    try {
      mkdirSync(this.#folder, { recursive: true });
      this.#file = openSync(join(this.#folder, name), 'a', 0o600);
    } catch (error) {
      this.#onWriteError(error);
    }
    this.#fileName = name;
    this.#bytes = 0;
  }
}
