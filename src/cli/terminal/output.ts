// What a command says: lines for people as it works, and one result at its end.
//
// With `--output json` stdout carries nothing but JSON, the result last; people's lines then go to
// stderr. A live area at the bottom is redrawn on a terminal; elsewhere only its changes are printed.
import type { Json } from '../../model/resource.ts';
import { stripColours } from './paint.ts';
import type { Paint } from './paint.ts';

export type Stream = { write(text: string): unknown; isTTY?: boolean; columns?: number };

export type OutputFormat = 'text' | 'json';

const CLEAR_TO_END = '\u001b[J';
const upBy = (lines: number) => (lines > 0 ? `\u001b[${lines}A\r` : '\r');

export class Output {
  readonly paint: Paint;
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  readonly #format: OutputFormat;
  #drawn: readonly string[] = [];

  constructor(parts: { stdout: Stream; stderr: Stream; format: OutputFormat; paint: Paint }) {
    this.#stdout = parts.stdout;
    this.#stderr = parts.stderr;
    this.#format = parts.format;
    this.paint = parts.paint;
  }

  get isJson(): boolean {
    return this.#format === 'json';
  }

  /** True when lines can be redrawn. */
  get isLive(): boolean {
    return this.#people().isTTY === true;
  }

  /** One line for people, above the live area. */
  line(text = ''): void {
    this.#withoutLiveArea(() => this.#people().write(`${text}\n`));
  }

  /** Something to know that does not stop the command. */
  warn(text: string): void {
    const word = this.paint('yellow', 'warning:');
    this.#withoutLiveArea(() => this.#stderr.write(`${word} ${text}\n`));
  }

  /** Redraws the live area; off a terminal it does nothing. */
  live(lines: readonly string[]): void {
    if (!this.isLive) return;
    this.#erase();
    const width = Math.max(20, (this.#people().columns ?? 100) - 1);
    this.#drawn = lines.map((line) => fit(line, width));
    this.#people().write(this.#drawn.map((line) => `${line}\n`).join(''));
  }

  /** Leaves the live area on the screen as it is. */
  keepLive(): void {
    this.#drawn = [];
  }

  clearLive(): void {
    this.#erase();
    this.#drawn = [];
  }

  /** The end of a command: JSON on one line, or the lines. */
  result(value: Json, lines: readonly string[]): void {
    if (this.isJson) this.#stdout.write(`${JSON.stringify(value)}\n`);
    else for (const line of lines) this.line(line);
  }

  /** Text as it came from somewhere else, e.g. a console log. */
  raw(text: string): void {
    this.#stdout.write(text);
  }

  rawError(text: string): void {
    this.#stderr.write(text);
  }

  #people(): Stream {
    return this.isJson ? this.#stderr : this.#stdout;
  }

  #withoutLiveArea(write: () => void): void {
    const lines = this.#drawn;
    this.#erase();
    write();
    if (lines.length > 0) this.live(lines);
  }

  #erase(): void {
    if (this.#drawn.length === 0) return;
    this.#people().write(`${upBy(this.#drawn.length)}${CLEAR_TO_END}`);
    this.#drawn = [];
  }
}

/** A line longer than the screen would wrap, and the next redraw would miss its second half. */
function fit(line: string, width: number): string {
  const text = stripColours(line);
  return text.length <= width ? line : `${text.slice(0, width - 1)}…`;
}
