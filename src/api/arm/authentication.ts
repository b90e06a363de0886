// The bearer token of every ARM request, compared in constant time.
import { createHash, timingSafeEqual } from 'node:crypto';
import { ArmError } from './arm-error.ts';

/** Throws 401 AuthenticationFailed without a token, InvalidAuthenticationToken with a wrong one. */
export function checkBearerToken(authorization: string | undefined, token: string): void {
  if (authorization === undefined || authorization === '') {
    throw new ArmError(
      401,
      'AuthenticationFailed',
      "Authentication failed. The 'Authorization' header is missing.",
    );
  }
  const given = /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1];
  if (given === undefined || !sameSecret(given, token)) {
    throw new ArmError(
      401,
      'InvalidAuthenticationToken',
      'The access token is invalid. Use clientSecret of connection.json in the data folder of the control plane.',
    );
  }
}

/** Hashing first gives equal lengths, so neither length nor content shows in the time taken. */
export function sameSecret(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
