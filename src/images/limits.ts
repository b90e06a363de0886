// Every limit of the image builder, with the reason for its number.

/** Bakes at once. Each takes a core for minutes, and the fleet runs on the same machine. */
export const RUNS_AT_ONCE = 1;

/** Azure: buildTimeoutInMinutes 0 means 240. */
export const BUILD_TIMEOUT_DEFAULT_MINUTES = 240;

/**
 * One vCPU as Azure's default size has; 1 GiB instead of its 3.5, because build VMs share the
 * machine with the fleet and apt with dpkg stays far below it.
 */
export const BUILD_VM_DEFAULT = { vCPUs: 1, memoryMib: 1024 } as const;

/** Boots take 5 to 10 s when emulated; a machine busy with a whole fleet may need many times that. */
export const BOOT_TIMEOUT_MS = 5 * 60 * 1000;

/** A guest answers at any moment of a boot of seconds: asking costs a socket round trip. */
export const GUEST_POLL_MS = 100;

/** How often a booting VM is checked for having died, counted in guest polls. */
export const POLLS_PER_VM_CHECK = 20;

/** A guest that does not power off by itself after its clean-up is not fit to be an image. */
export const POWER_OFF_GRACE_MS = 60 * 1000;

/** Lines of a failing step that go into the message, as many as fit on a screen beside the rest. */
export const LAST_LINES = 20;

/** One line in those; a minified script must not fill the error. */
export const LAST_LINE_CHARACTERS = 500;

/** Of one log file: a step in an endless loop must not fill the disk. */
export const LOG_BYTES_MAX = 64 * 1024 * 1024;

/** Azure retries downloads ten times over minutes; three show a broken address soon enough. */
export const FETCH_ATTEMPTS = 3;
export const FETCH_RETRY_MS = 1000;

/** Of one fetched file: an app archive with its dependencies, not a disk image. */
export const FETCH_BYTES_MAX = 2 * 1024 * 1024 * 1024;
export const FETCH_TIMEOUT_MS = 10 * 60 * 1000;

/** Run folders with logs kept in DATA/builds: months of daily bakes, a few MB each at most. */
export const RUN_FOLDERS_KEPT = 200;

/** Of one inline script: it travels as one argument, of which Linux takes 128 KiB, quotes included. */
export const INLINE_SCRIPT_BYTES_MAX = 64 * 1024;
