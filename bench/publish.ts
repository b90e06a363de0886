// From the instant a version is published until the first VM leaves the balancer.
import { z } from 'zod';
import { systemClock } from '../src/support/clock.ts';
import type { Latency } from './measurement.ts';
import { type Rig, settled, waitForStatus } from './rig.ts';

const GALLERY_API_VERSION = '2023-07-03';
const COMPUTE_API_VERSION = '2024-07-01';
/** Much shorter than what is measured. */
const POLL_MS = 20;

const Version = z.looseObject({
  properties: z.looseObject({ publishingProfile: z.looseObject({ publishedDate: z.string() }) }),
});

export async function measurePublish(rig: Rig, rounds: number): Promise<Latency> {
  const seconds: number[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await settled(rig);
    seconds.push(await publishOnce(rig, `2.0.${round}`));
    rig.say(`round ${round}: ${seconds.at(-1)?.toFixed(2)} s`);
  }
  return { name: 'published until the first VM leaves the balancer', seconds, aimSeconds: 1 };
}

/** The new version has the content of the first: only the publication counts. The run is cancelled. */
async function publishOnce(rig: Rig, version: string): Promise<number> {
  const images = `${rig.groupId}/providers/Microsoft.Compute/galleries/guestbook/images/guestbook`;
  const leaving = waitForStatus(
    rig,
    'a VM to leave the balancer',
    (status) => status.instances.some((instance) => instance.balancer !== 'ready'),
    POLL_MS,
  ).then(() => systemClock.now());
  const published = await rig.arm.run({
    method: 'PUT',
    path: `${images}/versions/${version}`,
    apiVersion: GALLERY_API_VERSION,
    body: {
      location: 'southeastasia',
      properties: { storageProfile: { source: { id: `${images}/versions/1.0.0` } } },
    },
  });
  const { publishedDate } = Version.parse(published).properties.publishingProfile;
  const seconds = ((await leaving) - Date.parse(publishedDate)) / 1000;
  await rig.arm.run({
    method: 'POST',
    path: `${rig.scaleSetId}/rollingUpgrades/cancel`,
    apiVersion: COMPUTE_API_VERSION,
  });
  return seconds;
}
