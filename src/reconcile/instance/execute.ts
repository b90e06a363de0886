// Does one step of one instance. No opinions here: every verb is idempotent and may run twice.
import type { VmSpec } from '../../engines/engine.ts';
import type { InstanceRow } from '../../model/scale-set.ts';
import type { InstanceStep } from '../../planning/instance/view.ts';
import { assert, assertNever } from '../../support/assert.ts';
import { healthTargetId, type ObserveDependencies, type SeenInstance } from './observe.ts';

/** A guest that has not powered off by then is cut off; Azure gives no figure. */
const POWER_OFF_GRACE_MS = 20_000;

export type ExecuteDependencies = Pick<ObserveDependencies, 'engine' | 'balancer' | 'health'> & {
  /** base64; a secret, so it is read where it is needed and never copied into instance rows. */
  readonly readCustomData: (scaleSetKey: string) => Promise<string | undefined>;
};

export async function executeInstanceStep(
  step: InstanceStep,
  seen: SeenInstance,
  deps: ExecuteDependencies,
): Promise<void> {
  const { vmId } = seen.row.body;
  switch (step.kind) {
    case 'none':
    case 'wait':
      return;
    case 'create':
      return deps.engine.create(await vmSpec(seen, deps));
    case 'reimage':
      return deps.engine.reimage(await vmSpec(seen, deps));
    case 'start':
      return deps.engine.start(vmId);
    case 'powerOff':
      stopWatching(seen, deps);
      return deps.engine.powerOff(vmId, { graceMs: POWER_OFF_GRACE_MS });
    case 'drain':
      return setBackends(step.frontendIds, 'draining', seen, deps);
    case 'takeOut':
      return setBackends(step.frontendIds, 'out', seen, deps);
    case 'putIn':
      return setBackends(step.frontendIds, 'ready', seen, deps);
    case 'discardDisk':
      return deps.engine.discardOsDisk(vmId, step.diskId);
    case 'delete':
      return deleteInstance(seen, deps);
    default:
      return assertNever(step);
  }
}

async function setBackends(
  frontendIds: readonly string[],
  state: 'ready' | 'draining' | 'out',
  seen: SeenInstance,
  deps: ExecuteDependencies,
): Promise<void> {
  for (const frontendId of frontendIds) {
    const endpoint = seen.endpoints.get(frontendId);
    assert(state !== 'ready' || endpoint, `no endpoint of ${seen.key} for frontend ${frontendId}`);
    await deps.balancer.setBackend(frontendId, seen.key, state, endpoint);
  }
}

async function deleteInstance(seen: SeenInstance, deps: ExecuteDependencies): Promise<void> {
  stopWatching(seen, deps);
  for (const { frontendId } of seen.scaleSet.frontends) {
    await deps.balancer.removeBackend(frontendId, seen.key);
  }
  await deps.engine.delete(seen.row.body.vmId);
}

function stopWatching(seen: SeenInstance, deps: ExecuteDependencies): void {
  if (seen.vm !== undefined) deps.health.forget(healthTargetId(seen.vm));
}

async function vmSpec(seen: SeenInstance, deps: ExecuteDependencies): Promise<VmSpec> {
  const customData = await deps.readCustomData(seen.key.replace(/\/virtualmachines\/[^/]+$/, ''));
  return toVmSpec(seen.row.body, seen.scaleSet.name, customData);
}

/** Pure: the engine's definition of an instance. */
export function toVmSpec(
  row: InstanceRow,
  scaleSetName: string,
  customData: string | undefined,
): VmSpec {
  const { model, osDisk } = row;
  return {
    vmId: row.vmId,
    kind: 'instance',
    label: `${scaleSetName}_${row.instanceId}`,
    hostname: row.computerName,
    vCPUs: model.vCPUs,
    memoryMib: model.memoryMib,
    osDisk: { diskId: osDisk.diskId, image: osDisk.image, tags: osDisk.versionTags },
    dataDisks: model.dataDisks,
    ports: model.ports,
    egress: false,
    ...(model.adminUsername === undefined ? {} : { adminUsername: model.adminUsername }),
    sshPublicKeys: model.sshPublicKeys,
    ...(customData === undefined ? {} : { customData }),
  };
}
