import type { IncomingHttpHeaders } from 'node:http';
import type { Authenticator } from '#contracts/authenticator';
import { CloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';

export type Credentials = { kind: 'token'; token: string } | { kind: 'password'; name: string; password: string };

/** Bearer (RFC 6750) or, for simple scripts, Basic (RFC 7617); null without either. */
export function parseCredentials(headers: IncomingHttpHeaders): Credentials | null {
  const match = /^(Bearer|Basic) +([\w.~+/=-]+) *$/i.exec(headers.authorization ?? '');
  const value = match?.[2];
  if (value === undefined) return null;
  if (match?.[1]?.toLowerCase() === 'bearer') return { kind: 'token', token: value };
  const text = Buffer.from(value, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { kind: 'password', name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** @throws unauthenticated, expired, rate_limited */
export async function authenticate(
  authenticator: Authenticator,
  headers: IncomingHttpHeaders,
  remoteAddress: string,
): Promise<{ principal: Principal; token: string | null }> {
  const credentials = parseCredentials(headers);
  if (credentials === null) throw new CloudStoreError('unauthenticated', 'An access token is required.');
  if (credentials.kind === 'token') {
    return { principal: await authenticator.accessToken(credentials.token), token: credentials.token };
  }
  const { name, password } = credentials;
  const principal =
    authenticator.remembered(name, password, remoteAddress) ?? (await authenticator.password(name, password, remoteAddress));
  return { principal, token: null };
}

/** Who it is, if that is known without waiting. @throws as accessToken */
export function authenticateNow(
  authenticator: Authenticator,
  headers: IncomingHttpHeaders,
  request: { readonly remoteAddress: string },
): Principal | null {
  const credentials = parseCredentials(headers);
  if (credentials === null) return null;
  if (credentials.kind === 'password') {
    return authenticator.remembered(credentials.name, credentials.password, request.remoteAddress);
  }
  const principal = authenticator.accessToken(credentials.token);
  if (!(principal instanceof Promise)) return principal;
  // The full path asks again and meets the same refusal.
  principal.catch(() => null);
  return null;
}
