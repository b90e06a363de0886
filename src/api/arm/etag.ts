// Etags: the quoted revision of a document's last write, and what the preconditions ask. Pure.
import { ArmError } from './arm-error.ts';

export type Preconditions = { readonly ifMatch?: string; readonly ifNoneMatch?: string };

export function toEtag(revision: number): string {
  return `"${revision}"`;
}

/**
 * ARM's matrix for PUT and PATCH: `If-Match: *` asks that the resource exists, `If-None-Match: *`
 * that it does not, an etag that it is unchanged. Throws 412, or 400 for any other If-None-Match.
 */
export function checkPreconditions(asked: Preconditions, revision: number | undefined): void {
  const { ifMatch, ifNoneMatch } = asked;
  if (ifNoneMatch !== undefined) {
    if (ifNoneMatch !== '*') {
      throw new ArmError(400, 'InvalidParameter', "If-None-Match can only be '*'.", {
        target: 'If-None-Match',
      });
    }
    if (revision !== undefined) {
      throw preconditionFailed('If-None-Match is * and the resource exists already');
    }
  }
  if (ifMatch === undefined) return;
  if (revision === undefined)
    throw preconditionFailed('If-Match is given and there is no resource');
  const current = toEtag(revision);
  const wanted = ifMatch.split(',').map((etag) => etag.trim().replace(/^W\//, ''));
  if (!wanted.includes('*') && !wanted.includes(current)) {
    throw preconditionFailed(`the resource's etag is ${current}, not ${ifMatch}`);
  }
}

function preconditionFailed(why: string): ArmError {
  return new ArmError(412, 'PreconditionFailed', `The precondition failed: ${why}.`);
}
