// Serves an app over TLS on loopback, and ends it without waiting for idle connections.
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';

/** ARM's proxy gives up after 60 s; a large blob on a slow disk takes longer, so more is allowed. */
const REQUEST_TIMEOUT_MS = 10 * 60_000;
/** A client that sends headers byte by byte is cut off. */
const HEADERS_TIMEOUT_MS = 20_000;
/** Longer than clients keep an idle connection, so that the server is not the one to close it. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

export type HttpsOptions = {
  readonly hostname: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** PEM texts. */
  readonly key: string;
  readonly cert: string;
};

export type HttpsServer = {
  readonly port: number;
  /** Takes no more connections, lets open requests finish for `graceMs`, then cuts them. */
  close(graceMs?: number): Promise<void>;
};

type App = { fetch(request: Request): Response | Promise<Response> };

/** Rejects with Node's error (EADDRINUSE, EACCES) when the port cannot be had. */
export async function serveHttps(app: App, options: HttpsOptions): Promise<HttpsServer> {
  const { hostname, port, key, cert } = options;
  // Blobs are streams, and the body of a request may be left unread when it is refused.
  const listener = getRequestListener((request) => app.fetch(request), {
    overrideGlobalObjects: false,
  });
  const server = createServer(
    { key, cert, minVersion: 'TLSv1.2', keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, hostname, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs = 2000) =>
      new Promise((resolve) => {
        const cut = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}
