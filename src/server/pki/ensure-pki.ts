// Keeps the certificates in a folder: the authority for good, the server's one renewed in time.
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '../../support/atomic-file.ts';
import type { Clock } from '../../support/clock.ts';
import { isSignedBy, makeAuthority, makeServerCertificate, remainingMs } from './certificates.ts';
import type { Credential } from './certificates.ts';

/** Renewed at a start with less than this left. */
const RENEW_BEFORE_MS = 30 * 24 * 60 * 60 * 1000;

export type Pki = {
  /** The file clients trust, e.g. NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
};

/**
 * Certificates in `folder` (made when absent, mode 0700; keys 0600). The authority is kept across
 * starts so that clients that trust it go on doing so. A damaged file is replaced: certificate and
 * key lie in one file, so a crash leaves an old pair or a new one.
 */
export async function ensurePki(folder: string, clock: Clock): Promise<Pki> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const now = clock.now();
  const authority =
    (await readUsable(join(folder, 'ca-key.pem'), now)) ??
    (await write(join(folder, 'ca-key.pem'), await makeAuthority(now)));
  const caFile = join(folder, 'ca.pem');
  await writeFileAtomically(caFile, authority.cert, 0o644);
  const kept = await readUsable(join(folder, 'server.pem'), now);
  const signed = kept !== undefined && (await isSignedBy(kept.cert, authority.cert));
  const server = signed
    ? kept
    : await write(join(folder, 'server.pem'), await makeServerCertificate(authority, now));
  return { caFile, ca: authority.cert, cert: server.cert, key: server.key };
}

/** Undefined when absent, unreadable as a pair, or about to end. */
async function readUsable(file: string, nowMs: number): Promise<Credential | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const cert = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/.exec(text)?.[0];
  const key = /-----BEGIN PRIVATE KEY-----[\s\S]+?-----END PRIVATE KEY-----/.exec(text)?.[0];
  if (cert === undefined || key === undefined) return undefined;
  try {
    return remainingMs(cert, nowMs) > RENEW_BEFORE_MS ? { cert, key } : undefined;
  } catch {
    // Not a certificate: made anew, as if it were absent.
    return undefined;
  }
}

async function write(file: string, credential: Credential): Promise<Credential> {
  await writeFileAtomically(file, `${credential.key.trim()}\n${credential.cert.trim()}\n`, 0o600);
  return credential;
}
