import type { Credential } from '#core/credential';
import { CloudStoreError } from '#core/errors';
import type { Principal, Who } from '#core/principal';

/**
 * The user itself: logged in, by its password, or at the machine's own command line. What a user has made to be used in its place (a key, an app password, a device)
 * never changes who the user is, lest a lost phone makes itself another way in.
 * @throws unauthenticated, access_denied
 */
export function userItself({ principal }: Who): Principal {
  if (principal === null) throw new CloudStoreError('unauthenticated', 'Who are you?');
  const kind = principal.credential?.kind;
  if (kind === undefined || kind === 'session' || kind === 'password') return principal;
  throw new CloudStoreError('access_denied', 'Only the user itself may do this: log in with the password.');
}

/** @throws as userItself, and access_denied for who is no admin */
export function adminItself(who: Who): Principal {
  const principal = userItself(who);
  if (principal.role !== 'admin') throw new CloudStoreError('access_denied', 'Only an admin may do this.');
  return principal;
}

/** The id of the session that this is; undefined for another credential. */
export function sessionOf(credential: Credential | undefined): string | undefined {
  return credential?.kind === 'session' ? credential.id : undefined;
}
