// Every number the demo waits by or counts against, with its reason.

export const INSTANCES = 5;

/** Four reads and two writes a second for each kind of client: constant, yet little for emulated CPUs. */
export const REQUEST_INTERVAL_MS = 250;

/** A person would have given up by then; a slower answer counts as failed. */
export const REQUEST_TIMEOUT_MS = 10_000;

/** How often the fleet is looked at for instances that are down. */
export const SAMPLE_INTERVAL_MS = 200;

/** Answers of the control plane and of a single instance. */
export const ANSWER_TIMEOUT_MS = 30_000;

/** Reasons of failed requests that are shown; the count is always whole. */
export const FAILURES_SHOWN = 5;
