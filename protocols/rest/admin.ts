import { CloudStoreError } from '#core/errors';
import type { Who } from '#core/principal';

/** A part of the gateway that only an admin may see or move. @throws access_denied, not_implemented (this gateway lacks the part) */
export function forAdmins<T>(who: Who, part: T | undefined): T {
  if (who.principal === null) throw new CloudStoreError('unauthenticated', 'An access token is required.');
  if (who.principal.role !== 'admin') throw new CloudStoreError('access_denied', 'Only an admin may see this.');
  if (part === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
  return part;
}
