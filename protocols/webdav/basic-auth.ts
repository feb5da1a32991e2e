import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticator } from '#contracts/authenticator';
import { CloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';

export const CHALLENGE = 'Basic realm="CloudStore", charset="UTF-8"';

/** RFC 7617; null when the header is missing or is no Basic credentials. The password may hold colons, the name may not. */
export function parseBasic(headers: IncomingHttpHeaders): { name: string; password: string } | null {
  const match = /^Basic +([A-Za-z0-9+/=_-]+) *$/i.exec(headers.authorization ?? '');
  if (match?.[1] === undefined) return null;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Answers from the memory of verified pairs; a password hash is computed only for a pair not seen lately. @throws unauthenticated, rate_limited */
export async function authenticate(
  authenticator: Authenticator,
  headers: IncomingHttpHeaders,
  remoteAddress: string,
): Promise<Principal> {
  const pair = parseBasic(headers);
  if (pair === null) throw new CloudStoreError('unauthenticated', 'Basic credentials are required.');
  return (
    authenticator.remembered(pair.name, pair.password, remoteAddress) ??
    authenticator.password(pair.name, pair.password, remoteAddress)
  );
}
