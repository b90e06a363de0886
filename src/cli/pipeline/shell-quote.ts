// Quotes text for POSIX shells. Pure.

/** One word of a shell command that stands for exactly `text`. */
export function shellQuote(text: string): string {
  if (/^[A-Za-z0-9_\-./:=@%+,]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
