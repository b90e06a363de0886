// One request on its way through the core, and the reply it gets.
import type { ResourceId } from '../../model/resource-id.ts';
import type { JsonObject } from '../../model/resource.ts';
import type { Store, Stored } from '../../store/store.ts';
import type { Clock } from '../../support/clock.ts';
import type { Ids } from '../../support/ids.ts';
import type { ArmPath } from './arm-path.ts';
import type { RequestContext } from './declaration.ts';
import type { Preconditions } from './etag.ts';
import type { Registry } from './registry.ts';
import type { WriteQueue } from './write-queue.ts';

/** What lives as long as the router. */
export type ArmEnvironment = {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly subscriptionId: string;
  readonly registry: Registry;
  readonly writes: WriteQueue;
};

export type ArmRequest = {
  readonly environment: ArmEnvironment;
  readonly context: RequestContext;
  readonly method: string;
  /** As in the URL. */
  readonly pathname: string;
  readonly path: ArmPath;
  readonly apiVersion: string;
  readonly preconditions: Preconditions;
  /** Read when it is needed; undefined when empty. */
  readonly body: JsonObject | undefined;
};

/** Where a resource is or would be. */
export type Target = {
  readonly id: ResourceId;
  readonly name: string;
  /** Store key of the parent resource, the scope, or what an extension resource hangs on. */
  readonly parentKey: string;
  readonly parent: Stored<'resource'> | undefined;
  readonly resourceGroup: Stored<'resource'> | undefined;
};

export type ArmReply = {
  readonly status: number;
  readonly body?: JsonObject;
  readonly headers?: Readonly<Record<string, string>>;
};
