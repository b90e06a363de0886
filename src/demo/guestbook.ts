// The example app as the demo uses it: a private copy to ship from, and each instance asked directly.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadBack } from './entry-files.ts';
import { inProject } from './project-folder.ts';
import { EntriesAnswer, type FleetStatus, VersionAnswer } from './schemas.ts';

const EXAMPLE = inProject('examples', 'guestbook');
const GUEST_PORT = 8080;

/** Copies the example to `folder`, so that shipping the other versions leaves the clone untouched. */
export async function copyExample(folder: string): Promise<void> {
  await cp(EXAMPLE, folder, { recursive: true });
}

/** Puts one later version's files over the copy, as its developer would have done. */
export async function changeTo(version: string, folder: string): Promise<void> {
  await cp(join(EXAMPLE, 'versions', version), join(folder, 'app'), { recursive: true });
}

/** Runs a shell command in the instance of this name and returns what it printed. */
export type Exec = (instance: string, command: string) => Promise<string>;

/** By instance name: the version its own app answers, past the balancer. */
export async function versionsOf(fleet: FleetStatus, exec: Exec): Promise<Record<string, string>> {
  const answers = fleet.instances.map(async ({ name }) => {
    return [name, VersionAnswer.parse(await ask(name, '/version', exec)).version] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

/** By host name: the entries each instance serves. */
export async function entriesOf(fleet: FleetStatus, exec: Exec): Promise<ReadBack> {
  const answers = fleet.instances.map(async ({ name }) => {
    const { instance, entries } = EntriesAnswer.parse(await ask(name, '/entries', exec));
    return [instance, entries] as const;
  });
  return new Map(await Promise.all(answers));
}

/** Asks from within the VM, so that no balancer chooses who answers; bash is all it takes. */
async function ask(name: string, path: string, exec: Exec): Promise<unknown> {
  const request = `exec 3<>/dev/tcp/127.0.0.1/${GUEST_PORT}; printf "GET ${path} HTTP/1.0\\r\\n\\r\\n" >&3; cat <&3`;
  const [head = '', body = ''] = (await exec(name, `bash -c '${request}'`)).split(
    /\r?\n\r?\n(.*)/s,
  );
  if (!/^HTTP\/1\.\d 200 /.test(head)) throw new Error(`${name} answered ${head} to GET ${path}`);
  return JSON.parse(body);
}
