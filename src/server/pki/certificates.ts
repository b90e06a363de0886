// Makes the local certificate authority and the server's certificate. No files.
// oxlint-disable-next-line import/no-unassigned-import -- x509 wants it loaded before itself
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const DAY_MS = 24 * 60 * 60 * 1000;
const CA_DAYS = 3650;
/** Apple's and the browsers' limit for a server certificate is 398 days. */
const LEAF_DAYS = 397;
/** Clocks of guests and containers may be a little behind. */
const BACKDATED_MS = 60 * 60 * 1000;

const KEY = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
const CA_NAME = 'CN=Rollset local CA';
const LEAF_NAME = 'CN=localhost';
/** Where a control plane is reached: loopback, by name and by both addresses. */
const ALTERNATIVE_NAMES = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
  { type: 'ip', value: '::1' },
] as const;

/** PEM texts: certificate, and PKCS #8 key. */
export type Credential = { readonly cert: string; readonly key: string };

export async function makeAuthority(nowMs: number): Promise<Credential> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: CA_NAME,
      notBefore: new Date(nowMs - BACKDATED_MS),
      notAfter: new Date(nowMs + CA_DAYS * DAY_MS),
      keys,
      signingAlgorithm: SIGNATURE,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** A server certificate for loopback, signed by `authority`. */
export async function makeServerCertificate(
  authority: Credential,
  nowMs: number,
): Promise<Credential> {
  const issuer = new X509Certificate(authority.cert);
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: LEAF_NAME,
      issuer: issuer.subject,
      notBefore: new Date(nowMs - BACKDATED_MS),
      notAfter: new Date(nowMs - BACKDATED_MS + LEAF_DAYS * DAY_MS),
      publicKey: keys.publicKey,
      signingKey: await importKey(authority.key),
      signingAlgorithm: SIGNATURE,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([...ALTERNATIVE_NAMES]),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { cert: certificate.toString('pem'), key: await exportKey(keys.privateKey) };
}

/** Milliseconds until the certificate ends; negative when it has. Throws for what is not one. */
export function remainingMs(certPem: string, nowMs: number): number {
  return new X509Certificate(certPem).notAfter.getTime() - nowMs;
}

export function isSignedBy(certPem: string, authorityPem: string): Promise<boolean> {
  const { publicKey } = new X509Certificate(authorityPem);
  return new X509Certificate(certPem).verify({ publicKey, signatureOnly: true }, webcrypto);
}

function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(KEY, true, ['sign', 'verify']);
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key);
  return PemConverter.encode(der, 'PRIVATE KEY');
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [der = new ArrayBuffer(0)] = PemConverter.decode(pem);
  const key = await webcrypto.subtle.importKey('pkcs8', der, KEY, false, ['sign']);
  return key;
}

/** 16 random bytes, positive (RFC 5280). */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return Buffer.from(bytes).toString('hex');
}
