// Named limits of the QEMU engine, each with the reason for its number.

/** A unix socket path longer than this cannot be bound (sun_path is 108 bytes with its zero). */
export const MAX_SOCKET_PATH_BYTES = 107;

/** QEMU opens its monitor within tens of ms; a loaded 2-core host was seen to take 3 s. */
export const MONITOR_CONNECT_TIMEOUT_MS = 20_000;

/** A lost race for a host port is rare; three new choices in a row losing means another cause. */
export const START_ATTEMPTS = 4;

/** After SIGKILL the kernel needs moments to write back and release the disk files. */
export const KILL_TIMEOUT_MS = 15_000;

/** One agent answer; a guest under TCG on a busy host was seen to take 2 s for a small one. */
export const AGENT_ANSWER_TIMEOUT_MS = 15_000;

/** Pause before a failed agent connection or synchronisation is tried again. */
export const AGENT_RETRY_MS = 250;

/** First poll of a guest command; most of ours end within 20-60 ms. */
export const EXEC_POLL_FIRST_MS = 15;
/** Slowest poll: output of a bake must show within about 300 ms. */
export const EXEC_POLL_SLOWEST_MS = 200;

/** Kept of each stream of one guest command; `onOutput` sees all of it. */
export const EXEC_OUTPUT_KEPT_BYTES = 4 * 1024 * 1024;
/** Per read of a guest file: qemu-ga answers with one JSON line, parsed as a whole. */
export const GUEST_READ_BYTES = 192 * 1024;

/** The console log is cut to this when a VM starts; a boot loop must not fill the disk. */
export const CONSOLE_KEPT_BYTES = 1024 * 1024;

/** Time for one host command such as qemu-img: a convert of a large layer on a busy host. */
export const HOST_COMMAND_TIMEOUT_MS = 10 * 60_000;

/** Making the base image downloads some 100 MB of packages. */
export const BASE_IMAGE_TIMEOUT_MS = 30 * 60_000;

/** A guest without an agent gets its endpoints shown after this time regardless. */
export const ENDPOINTS_WITHOUT_AGENT_MS = 90_000;

/** Azure's limit for customData, decoded. */
export const MAX_CUSTOM_DATA_BYTES = 65_535;
