// Service SAS tokens in Azure's manner: a signed promise of what may be done with one container or
// blob until when. Pure.
//
// The string to sign is that of service version 2020-12-06 and later (Azure docs, "Create a service
// SAS"): sixteen fields, one a line, those we do not use empty.
import { createHmac, timingSafeEqual } from 'node:crypto';

export const SAS_VERSION = '2021-12-02';

export type SasGrant = {
  /** `/blob/account/container` or `/blob/account/container/blob`. */
  readonly canonicalizedResource: string;
  /** `c` container, `b` blob. */
  readonly signedResource: 'b' | 'c';
  /** Letters of `racwdl`. */
  readonly signedPermission: string;
  /** ISO 8601, UTC. */
  readonly signedExpiry: string;
  readonly signedStart?: string;
};

/** Each account has a key of its own, made from the server's. */
export function accountKey(sasKey: Uint8Array, account: string): Buffer {
  return createHmac('sha256', sasKey).update(`storage account ${account.toLowerCase()}`).digest();
}

/** The query string, without `?`. */
export function signSas(grant: SasGrant, key: Uint8Array): string {
  const query = new URLSearchParams({
    sv: SAS_VERSION,
    ...(grant.signedStart === undefined ? {} : { st: grant.signedStart }),
    se: grant.signedExpiry,
    sr: grant.signedResource,
    sp: grant.signedPermission,
    sig: signature(grant, SAS_VERSION, key),
  });
  return query.toString();
}

export type SasVerdict = { readonly ok: true } | { readonly ok: false; readonly why: string };

/** Whether `query` allows `permission` (one letter) on the blob, now. */
export function checkSas(
  query: URLSearchParams,
  asked: {
    readonly account: string;
    readonly container: string;
    readonly blob: string;
    readonly permission: string;
    readonly nowMs: number;
  },
  key: Uint8Array,
): SasVerdict {
  const [sig, sr, sp, se, sv] = ['sig', 'sr', 'sp', 'se', 'sv'].map(
    (name) => query.get(name) ?? '',
  );
  if (!sig || !sr || !sp || !se || !sv)
    return no('the URL carries no complete SAS (sv, sr, sp, se, sig)');
  if (sr !== 'b' && sr !== 'c')
    return no(`sr is '${sr}'; containers (c) and blobs (b) can be signed`);
  const container = `/blob/${asked.account}/${asked.container}`;
  const st = query.get('st');
  const grant: SasGrant = {
    canonicalizedResource: sr === 'c' ? container : `${container}/${asked.blob}`,
    signedResource: sr,
    signedPermission: sp,
    signedExpiry: se,
    ...(st === null ? {} : { signedStart: st }),
  };
  if (!sameText(signature(grant, sv, key), sig)) return no('the signature did not match');
  // `!(a > b)` so that a date that cannot be read counts as past.
  if (!(Date.parse(se) > asked.nowMs)) return no(`it expired at ${se}`);
  if (st !== null && !(Date.parse(st) <= asked.nowMs)) return no(`it is not valid before ${st}`);
  if (!sp.includes(asked.permission)) return no(`it permits '${sp}', not '${asked.permission}'`);
  return { ok: true };
}

function signature(grant: SasGrant, version: string, key: Uint8Array): string {
  const fields = [
    grant.signedPermission,
    grant.signedStart ?? '',
    grant.signedExpiry,
    grant.canonicalizedResource,
    '', // identifier
    '', // IP range
    '', // protocol
    version,
    grant.signedResource,
    '', // snapshot time
    '', // encryption scope
    '', // cache-control
    '', // content-disposition
    '', // content-encoding
    '', // content-language
    '', // content-type
  ];
  return createHmac('sha256', key).update(fields.join('\n'), 'utf8').digest('base64');
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function no(why: string): SasVerdict {
  return { ok: false, why };
}
