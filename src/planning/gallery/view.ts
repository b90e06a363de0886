// What resolving `latest` sees and answers. Types only.
import type { ProvisioningState } from '../../model/resource.ts';

export type CandidateVersion = {
  readonly name: string;
  readonly provisioningState: ProvisioningState;
  readonly excludeFromLatest: boolean;
  /** Regions with a complete replica, folded (`westus`), and those excluded from latest. */
  readonly regions: readonly { readonly name: string; readonly excludeFromLatest: boolean }[];
  /** Why this set must not start it, when it is quarantined there. */
  readonly quarantined?: string;
};

/** Why a version is not the latest. */
export type LatestLoss =
  | 'notProvisioned'
  | 'excludedFromLatest'
  | 'notInRegion'
  | 'excludedInRegion'
  | 'quarantined'
  | 'lower';

export type LatestAnswer = {
  readonly latest: string | undefined;
  readonly losers: readonly {
    readonly name: string;
    readonly why: LatestLoss;
    readonly sentence: string;
  }[];
};
