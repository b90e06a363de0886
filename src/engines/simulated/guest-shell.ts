// Reads a shell script as far as the simulated guest can follow it. Pure.
//
// It knows `exit N`, `sleep N`, `false`, `echo`, `sh -c '…'` (under sudo too), scripts that were copied
// in, and stopping or starting a service. Every other command succeeds. Conditionals and loops are
// passed over whole, because nothing here can tell which way they would go.

export type GuestAction =
  | { readonly kind: 'sleep'; readonly ms: number }
  | { readonly kind: 'output'; readonly text: string }
  | { readonly kind: 'service'; readonly running: boolean }
  | { readonly kind: 'powerOff' };

export type GuestScript = { readonly actions: readonly GuestAction[]; readonly exitCode: number };

/** A script that calls itself must end somewhere. */
const NESTED_AT_MOST = 8;

const OPENS = /^(if|for|while|until|case)\b/;
const CLOSES = /(^|;\s*)(fi|done|esac)\b/;

type Outcome = { readonly exitCode: number; readonly exits: boolean };
type Context = {
  readonly files: ReadonlyMap<string, string>;
  readonly actions: GuestAction[];
  readonly depth: number;
};

export function readScript(script: string, files: ReadonlyMap<string, string>): GuestScript {
  const actions: GuestAction[] = [];
  const exitCode = runText(script, false, { files, actions, depth: 0 });
  return { actions, exitCode };
}

function runText(script: string, errexit: boolean, context: Context): number {
  if (context.depth > NESTED_AT_MOST) return 0;
  let stopsAtError = errexit || /^#!.*sh\s+-\w*e/.test(script);
  let last = 0;
  let saved = 0;
  for (const line of plainLines(script)) {
    if (/^set\s+-\w*e/.test(line)) stopsAtError = true;
    else if (line === 'status=$?') saved = last;
    else if (/^exit\s+"?\$\{?status\}?"?$/.test(line)) return saved;
    else {
      const outcome = runLine(line, last, context);
      if (outcome.exits) return outcome.exitCode;
      last = outcome.exitCode;
      if (last !== 0 && stopsAtError) return last;
    }
  }
  return last;
}

/** Lines outside conditionals, loops, functions and here-documents, without comments. */
function plainLines(script: string): string[] {
  const lines: string[] = [];
  let nested = 0;
  let hereEnd: string | undefined;
  for (const line of logicalLines(script)) {
    if (hereEnd !== undefined) {
      if (line === hereEnd) hereEnd = undefined;
      continue;
    }
    hereEnd = /<<-?\s*'?"?(\w+)/.exec(line)?.[1];
    if (OPENS.test(line)) nested += 1;
    if (nested > 0) {
      if (CLOSES.test(line)) nested -= 1;
      continue;
    }
    lines.push(line);
  }
  return lines;
}

/** A line with an open quote goes on in the next one; comments and empty lines are left out. */
function logicalLines(script: string): string[] {
  const lines: string[] = [];
  let open: string | undefined;
  for (const raw of script.replaceAll('\\\n', ' ').split('\n')) {
    if (open === undefined && /^\s*(#|$)/.test(raw)) continue;
    const line: string = open === undefined ? raw.trim() : `${open}\n${raw}`;
    open = hasOpenQuote(line) ? line : undefined;
    if (open === undefined) lines.push(line);
  }
  return open === undefined ? lines : [...lines, open];
}

function hasOpenQuote(text: string): boolean {
  return /['"]/.test(text.replaceAll(/\\.|'[^']*'|"(?:[^"\\]|\\.)*"/gs, ''));
}

/** `a && b` and `a; b` in turn; the text of a quoted `sh -c` stays one command. */
function runLine(line: string, last: number, context: Context): Outcome {
  let outcome: Outcome = { exitCode: 0, exits: false };
  for (const { command, after } of commandsOf(line)) {
    if (after === '&&' && outcome.exitCode !== 0) continue;
    if (after === '||' && outcome.exitCode === 0) continue;
    outcome = runCommand(command, outcome.exitCode || last, context);
    if (outcome.exits) return outcome;
  }
  return outcome;
}

function commandsOf(line: string): { command: string; after: string }[] {
  const parts = line.match(/(?:'[^']*'|"[^"]*"|\\.|&(?!&)|\|(?!\|)|[^;&|'"\\])+|&&|\|\||;/g) ?? [];
  let after = '';
  return parts.flatMap((part) => {
    if (part === '&&' || part === '||' || part === ';') {
      after = part;
      return [];
    }
    const command = part.trim();
    return command === '' ? [] : [{ command, after }];
  });
}

function runCommand(command: string, last: number, context: Context): Outcome {
  const done = (exitCode: number) => ({ exitCode, exits: false });
  const exit = /^exit(?:\s+(\d+|\$\?))?$/.exec(command);
  if (exit !== null) {
    const code = exit[1] === undefined || exit[1] === '$?' ? last : Number(exit[1]);
    return { exitCode: code, exits: true };
  }
  const deeper = { ...context, depth: context.depth + 1 };
  const nested = /\bsh\s+-(\w*)c\s+'((?:[^']|'\\'')*)'/.exec(command);
  if (nested?.[2] !== undefined) {
    const errexit = nested[1]?.includes('e') === true;
    return done(runText(nested[2].replaceAll("'\\''", "'"), errexit, deeper));
  }
  const word = command.replace(/^((sudo(\s+-\S+)*|exec|sh|bash)\s+)+/, '');
  const file = context.files.get(word.split(/\s/)[0]?.replaceAll(/['"]/g, '') ?? '');
  if (file !== undefined) return done(runText(file, false, deeper));
  return done(runWord(word, context.actions));
}

function runWord(command: string, actions: GuestAction[]): number {
  const sleep = /^sleep\s+(\d+(?:\.\d+)?|infinity)/.exec(command)?.[1];
  if (sleep !== undefined) {
    actions.push({ kind: 'sleep', ms: sleep === 'infinity' ? Infinity : Number(sleep) * 1000 });
  }
  const echo = /^echo(?:\s+(.*))?$/.exec(command);
  if (echo !== null && !/>/.test(command)) {
    actions.push({ kind: 'output', text: `${(echo[1] ?? '').replaceAll(/['"]/g, '')}\n` });
  }
  const service = /^systemctl\s+(?:-\S+\s+)*(stop|start|restart)\s/.exec(command)?.[1];
  if (service !== undefined) actions.push({ kind: 'service', running: service !== 'stop' });
  if (/^(systemctl\s+)?(poweroff|halt)\b/.test(command)) actions.push({ kind: 'powerOff' });
  return /^false\b/.test(command) ? 1 : 0;
}
