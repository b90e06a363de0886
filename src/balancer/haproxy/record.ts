// What is remembered of one frontend on disk: its settings, its process, and who has which slot.
//
// Written before it is acted upon. A restarted control plane or HAProxy is brought to it; after a
// reboot of the host the backends are void, as their VMs are gone and their ports are anyone's.
import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { BalancerError } from '../balancer.ts';

/** As many as the largest scale set has instances on Azure. */
export const MAX_SLOTS = 1024;
/** Doubled when they run out. */
export const INITIAL_SLOTS = 32;

const endpoint = z.object({ host: z.string(), port: z.number() });
const backend = z.object({
  /** From 1; the server's name within HAProxy. */
  slot: z.number(),
  state: z.enum(['ready', 'draining', 'out']),
  endpoint: endpoint.exactOptional(),
});
const record = z.object({
  spec: z.object({
    frontendId: z.string(),
    address: z.string(),
    port: z.number(),
    backendPort: z.number(),
    mode: z.enum(['http', 'tcp']),
    checkPath: z.string().exactOptional(),
  }),
  bootId: z.string(),
  /** Of the process that was last started or adopted. */
  process: z.object({ pid: z.number(), startTime: z.string() }).exactOptional(),
  slots: z.number(),
  /** The slot given away last: freed ones rest as long as possible, for late connections. */
  lastSlot: z.number(),
  /** By instance key. */
  backends: z.record(z.string(), backend),
});

export type BackendRecord = Readonly<z.infer<typeof backend>>;
export type FrontendRecord = Readonly<z.infer<typeof record>>;

export function beginRecord(spec: FrontendRecord['spec'], bootId: string): FrontendRecord {
  return { spec, bootId, slots: INITIAL_SLOTS, lastSlot: 0, backends: {} };
}

/** The record of this boot of the host; of an earlier one only the settings count. */
export function parseRecord(text: string, bootId: string): FrontendRecord | undefined {
  const parsed = record.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  return parsed.data.bootId === bootId ? parsed.data : beginRecord(parsed.data.spec, bootId);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Undefined when there is none, or none that can be read: reconcilers fill it again. */
export async function loadRecord(
  file: string,
  bootId: string,
): Promise<FrontendRecord | undefined> {
  try {
    return parseRecord(await readFile(file, 'utf8'), bootId);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whole or not at all. No fsync: what it describes does not survive the host either. */
export async function saveRecord(file: string, contents: FrontendRecord): Promise<void> {
  await writeFile(`${file}.new`, JSON.stringify(contents), { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The record with the backend as wanted; gives it a slot, and the frontend more of them when full. */
export function withBackend(
  before: FrontendRecord,
  instanceKey: string,
  wanted: Pick<BackendRecord, 'state' | 'endpoint'>,
): FrontendRecord {
  const known = before.backends[instanceKey];
  if (known !== undefined) {
    return { ...before, backends: { ...before.backends, [instanceKey]: { ...known, ...wanted } } };
  }
  const slots = slotsFor(before);
  const slot = nextFreeSlot(before, slots);
  const backends = { ...before.backends, [instanceKey]: { slot, ...wanted } };
  return { ...before, slots, lastSlot: slot, backends };
}

export function withoutBackend(before: FrontendRecord, instanceKey: string): FrontendRecord {
  const { [instanceKey]: _, ...backends } = before.backends;
  return { ...before, backends };
}

function slotsFor({ slots, backends, spec }: FrontendRecord): number {
  if (Object.keys(backends).length < slots) return slots;
  if (slots < MAX_SLOTS) return slots * 2;
  throw new BalancerError(
    `frontend ${spec.frontendId} has ${slots} backends, and ${MAX_SLOTS} is the limit`,
  );
}

function nextFreeSlot({ lastSlot, backends }: FrontendRecord, slots: number): number {
  const taken = new Set(Object.values(backends).map((each) => each.slot));
  let slot = (lastSlot % slots) + 1;
  while (taken.has(slot)) slot = (slot % slots) + 1;
  return slot;
}
