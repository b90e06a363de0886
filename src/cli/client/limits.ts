// Limits of the client, each with its reason.

/**
 * How long an endpoint that has answered before may be silent: a control plane that crashed and is
 * started again by hand or by systemd is back within this, and its roll-out goes on.
 */
export const CONTACT_PATIENCE_MS = 30_000;
export const CONTACT_RETRY_MS = 500;

/** One request; long work is behind operations, so an answer takes milliseconds. */
export const REQUEST_TIMEOUT_MS = 60_000;

/** Between two polls when the endpoint is on this machine: asking costs next to nothing there. */
export const LOOPBACK_POLL_MS = 200;
/** Azure's own default when an answer carries no Retry-After. */
export const DEFAULT_POLL_MS = 10_000;
/** Azure's contract: a Retry-After is at most ten minutes. */
export const RETRY_AFTER_MAX_MS = 600_000;

/** A throttled or overloaded service is asked again so often. */
export const THROTTLED_RETRIES = 8;

/** Pages of a list; a service that never ends its list is broken. */
export const PAGES_MAX = 1000;
