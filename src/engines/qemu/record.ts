// What the engine remembers of a VM on disk: its definition, and the process that runs it.
import { readdir } from 'node:fs/promises';
import { writeFileAtomically } from '../../support/atomic-file.ts';
import { z } from 'zod';
import type { VmSpec } from '../engine.ts';
import { EngineError } from '../engine.ts';
import { isNotFound, readTextIfThere } from './files.ts';
import type { EnginePaths, VmPaths } from './paths.ts';

const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const imageSchema = z.object({
  layers: z.array(z.object({ digest, sizeBytes: z.number() })).min(1),
  boot: z.object({ kernel: digest, modules: digest, release: z.string() }),
  osDiskSizeBytes: z.number().int().positive(),
});

const specSchema = z.object({
  vmId: z.string(),
  kind: z.enum(['instance', 'build', 'validation']),
  label: z.string(),
  hostname: z.string(),
  vCPUs: z.number().int().positive(),
  memoryMib: z.number().int().positive(),
  osDisk: z.object({
    diskId: z.string(),
    image: imageSchema,
    tags: z.record(z.string(), z.string()),
  }),
  dataDisks: z.array(z.object({ lun: z.number().int(), sizeBytes: z.number().int() })),
  ports: z.array(z.number().int()),
  egress: z.boolean(),
  adminUsername: z.string().exactOptional(),
  sshPublicKeys: z.array(z.string()),
  customData: z.string().exactOptional(),
});

const reportSchema = z.object({
  diskId: z.string(),
  firstBoot: z.boolean(),
  dataDisks: z
    .array(
      z.object({
        lun: z.number().int(),
        serial: z.string(),
        sizeBytes: z.number(),
        filesystemUuid: z.string().exactOptional(),
        clean: z.boolean().exactOptional(),
      }),
    )
    .readonly(),
});

/**
 * Written before QEMU is spawned (without `pid`), completed after it, and again when the guest's
 * OS has answered. A record whose process is gone means: stopped.
 */
const processSchema = z.object({
  startedAtMs: z.number(),
  forwards: z.array(z.object({ guestPort: z.number(), port: z.number() })).readonly(),
  pid: z.number().int().exactOptional(),
  /** From /proc/PID/stat, in clock ticks since the host's boot: tells a reused pid. */
  startTicks: z.string().exactOptional(),
  report: reportSchema.exactOptional(),
});

export type ProcessRecord = z.infer<typeof processSchema>;

export async function readDefinition(paths: VmPaths): Promise<VmSpec | undefined> {
  const text = await readTextIfThere(paths.definition);
  return text === undefined ? undefined : parse(specSchema, text, paths.definition);
}

export async function readProcess(paths: VmPaths): Promise<ProcessRecord | undefined> {
  const text = await readTextIfThere(paths.process);
  return text === undefined ? undefined : parse(processSchema, text, paths.process);
}

/** Readable by the control plane's user only: customData may hold secrets. */
export async function writeDefinition(paths: VmPaths, spec: VmSpec): Promise<void> {
  await writeFileAtomically(paths.definition, JSON.stringify(spec, null, 1), 0o600);
}

export async function writeProcess(paths: VmPaths, record: ProcessRecord): Promise<void> {
  await writeFileAtomically(paths.process, JSON.stringify(record), 0o600);
}

export async function listVmIds(paths: EnginePaths): Promise<readonly string[]> {
  try {
    const entries = await readdir(paths.vms, { withFileTypes: true });
    return entries.filter((e) => e.isDirectory()).map((e) => e.name);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

export async function listOsDisks(paths: VmPaths): Promise<readonly string[]> {
  const names = await readdir(paths.folder);
  return names
    .filter((name) => name.endsWith('.qcow2') && !/^lun\d+\.qcow2$/.test(name))
    .map((name) => name.slice(0, -'.qcow2'.length));
}

export function parseReport(text: string): z.infer<typeof reportSchema> {
  return parse(reportSchema, text, '/run/rollset/report.json');
}

function parse<T>(schema: z.ZodType<T>, text: string, where: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new EngineError(`${where} is not JSON: ${String(error)}`, { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new EngineError(`${where} is damaged: ${z.prettifyError(result.error)}`);
}
