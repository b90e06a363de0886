// Limits of a ship, each with its reason.

/** Signed URLs outlive the upload and the template's submission, not the day. */
export const SAS_LIFETIME_MS = 2 * 3_600_000;

/** After Ctrl-C a bake is given this long to end; then the command leaves and says so. */
export const CANCEL_WAIT_MS = 30_000;

/** For a template that another ship is just submitting: Azure itself takes one to three minutes. */
export const SUBMISSION_WAIT_MS = 300_000;

/**
 * Without a roll-out that decides, a fleet is given up when for healthTimeout and this long no more
 * instances became healthy: five VMs that boot at once on an emulated CPU need minutes.
 */
export const BOOT_ALLOWANCE_MS = 300_000;

/** A roll-out that shows no change for this long beyond its own waits is stuck, not slow. */
export const ROLLOUT_STALL_MS = 900_000;

/** Lines of the build log shown under the steps. */
export const LOG_LINES_SHOWN = 4;
