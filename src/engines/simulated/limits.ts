// The simulated engine's latencies and sizes. Chosen for people to watch, not measured.

/** From start to the guest's first answer. A real VM with KVM takes about 2 s. */
export const BOOT_MS = 500;
/** With the tag `simulate=slow-boot`: longer than a short healthTimeout, shorter than a boot limit. */
export const SLOW_BOOT_MS = 30_000;
/** From the guest's first answer to the app's. */
export const APP_START_MS = 100;
/** A graceful power-off of a guest whose OS is up. */
export const POWER_OFF_MS = 100;
/** What `diskSpace` says unless told otherwise. */
export const FREE_BYTES = 100 * 2 ** 30;

export const BASE_LAYER_BYTES = 400 * 2 ** 20;
export const CAPTURED_LAYER_BYTES = 12 * 2 ** 20;
export const OS_DISK_BYTES = 8 * 2 ** 30;

/** Lines kept of one VM's console. */
export const CONSOLE_LINES = 400;
/** A copied file longer than this is not looked into when it is run. */
export const SCRIPT_BYTES = 256 * 1024;

/**
 * TEST-NET-1 (RFC 5737): an address nobody has. Simulated guests serve nothing, and who tries anyway
 * must not reach somebody else's port.
 */
export const ENDPOINT_HOST = '192.0.2.1';
export const FIRST_PORT = 20_000;
export const LAST_PORT = 59_999;
