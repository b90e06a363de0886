// How a client reaches one control plane: what `rollset up` prints and keeps. Types only.

/** `DATA/connection.json` (mode 0600) and the first line of `rollset up --output json`. */
export type Connection = {
  /** e.g. `https://127.0.0.1:8443`, without a slash at the end. */
  readonly endpoint: string;
  /** Path of the PEM file a client must trust. */
  readonly caBundle: string;
  readonly tenantId: string;
  readonly subscriptionId: string;
  readonly clientId: string;
  /** The bearer token itself, as long as there is no sign-in. */
  readonly clientSecret: string;
  readonly msiEndpoint: string | null;
  readonly portal: string | null;
  /** The data folder, absolute. */
  readonly data: string;
  /** Of the control plane's process. */
  readonly pid: number;
};

/** Name of the file in the data folder. */
export const CONNECTION_FILE = 'connection.json';
