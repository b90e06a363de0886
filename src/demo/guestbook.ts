// The example app as the demo uses it: a private copy to ship from, and each instance asked directly.
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReadBack } from './entry-files.ts';
import { ANSWER_TIMEOUT_MS } from './limits.ts';
import { inProject } from './project-folder.ts';
import { EntriesAnswer, type FleetStatus, type InstanceStatus, VersionAnswer } from './schemas.ts';

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

/** By instance name: the version its own app answers, past the balancer. */
export async function versionsOf(fleet: FleetStatus): Promise<Record<string, string>> {
  const answers = fleet.instances.map(async (instance) => {
    const { version } = VersionAnswer.parse(await ask(instance, '/version'));
    return [instance.name, version] as const;
  });
  return Object.fromEntries(await Promise.all(answers));
}

/** By host name: the entries each instance serves. */
export async function entriesOf(fleet: FleetStatus): Promise<ReadBack> {
  const answers = fleet.instances.map(async (instance) => {
    const answer = EntriesAnswer.parse(await ask(instance, '/entries'));
    return [answer.instance, answer.entries] as const;
  });
  return new Map(await Promise.all(answers));
}

async function ask(instance: InstanceStatus, path: string): Promise<unknown> {
  const endpoint = instance.endpoints?.find(({ guestPort }) => guestPort === GUEST_PORT);
  if (endpoint === undefined)
    throw new Error(`${instance.name} has no address for port ${GUEST_PORT}`);
  const url = `http://${endpoint.host}:${endpoint.port}${path}`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  if (!answer.ok) throw new Error(`${instance.name} answered ${answer.status} to GET ${path}`);
  return await answer.json();
}
