import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TokenPair } from '#contracts/authenticator';
import { CloudStoreError } from '#core/errors';
import { sendJson } from './answer.ts';
import type { Exchange } from './exchange.ts';

/**
 * The session of a page of the gateway's own (docs/THREAT-MODEL.md). Such a page asks for cookies with a header that no page of another origin may send without
 * asking first, and this gateway allows nobody to. It gets an access token for its memory, and two cookies that no script can read:
 * the refresh token, sent to /auth only, and the access token again, which opens GET and HEAD only, for what a page cannot give headers to: images, players,
 * downloads. What changes anything always needs the header Authorization, so no request that a browser makes by itself can.
 */
const HEADER = 'x-cloudstore-session';
const REFRESH = 'cs_refresh';
const READ = 'cs_read';
const PENDING = 'cs_oidc';
const PENDING_PATH = '/api/v1/auth/oidc';
const PENDING_SECONDS = 600;
const REFRESH_PATH = '/api/v1/auth';
const READ_PATH = '/api/v1';
/** As long as a refresh token may lie unused, which the authenticator decides. */
const REFRESH_SECONDS = 30 * 24 * 3600;
const COOKIES_CHARS_MAX = 16_384;

/** The answer to a log-in or a renewal. */
export function sendTokens(x: Exchange, tokens: TokenPair): void {
  if (!wantsCookies(x.req)) {
    sendJson(x.res, 200, tokens);
    return;
  }
  const { accessToken, expiresInSeconds } = tokens;
  setTokens(x, tokens);
  sendJson(x.res, 200, { accessToken, expiresInSeconds });
}

/** For a browser that comes by itself, without a page: the page that it goes on to renews them. */
export function setTokens(x: Exchange, { accessToken, refreshToken, expiresInSeconds }: TokenPair): void {
  setCookie(x, REFRESH, refreshToken, REFRESH_PATH, REFRESH_SECONDS);
  setCookie(x, READ, accessToken, READ_PATH, expiresInSeconds);
}

/** What a browser brings back from the identity provider, whose link it follows: Strict cookies are not sent then. null: it has ended. */
export function setPending(x: Exchange, pending: string | null): void {
  setCookie(x, PENDING, pending ?? '', PENDING_PATH, pending === null ? 0 : PENDING_SECONDS, 'Lax');
}

export function pendingOf({ req }: Exchange): string | null {
  return cookieOf(req.headers, PENDING);
}

/** What is to be renewed. @throws unauthenticated without a cookie, invalid_argument without either */
export function refreshTokenOf(x: Exchange, given: string | undefined): string {
  if (given !== undefined) return given;
  if (!wantsCookies(x.req)) throw new CloudStoreError('invalid_argument', 'The refresh token is missing.');
  const token = cookieOf(x.req.headers, REFRESH);
  if (token === null) throw new CloudStoreError('unauthenticated', 'There is no session in the cookies.');
  return token;
}

/** With the session its cookies end. A page that has lost the session asks for no cookies, and keeps none either. */
export function clearCookies(x: Exchange): void {
  if (!wantsCookies(x.req)) return;
  setCookie(x, REFRESH, '', REFRESH_PATH, 0);
  setCookie(x, READ, '', READ_PATH, 0);
}

/** A request's headers, with the cookie's token where it is a read by a page of ours that has no other way to say who it is. */
export function withCookie(req: IncomingMessage): IncomingHttpHeaders {
  const { headers, method } = req;
  if (headers.authorization !== undefined || headers.cookie === undefined || (method !== 'GET' && method !== 'HEAD'))
    return headers;
  // Browsers say where a request comes from; `none` is the address bar. Those that do not yet know SameSite=Strict.
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return headers;
  const token = cookieOf(headers, READ);
  return token === null ? headers : { ...headers, authorization: `Bearer ${token}` };
}

function wantsCookies({ headers }: IncomingMessage): boolean {
  return headers[HEADER] === 'cookie';
}

function setCookie(
  { res, cx }: Exchange,
  name: string,
  value: string,
  path: string,
  seconds: number,
  sameSite: 'Strict' | 'Lax' = 'Strict',
): void {
  const attributes = [`Path=${path}`, 'HttpOnly', `SameSite=${sameSite}`, `Max-Age=${seconds}`, ...(cx.secure ? ['Secure'] : [])];
  res.appendHeader('Set-Cookie', [`${name}=${value}`, ...attributes].join('; '));
}

function cookieOf(headers: IncomingHttpHeaders, name: string): string | null {
  const cookies = (headers.cookie ?? '').slice(0, COOKIES_CHARS_MAX).split(/; */);
  const found = cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
  return found === undefined || !/^[\w.~+/=-]{1,8192}$/.test(found) ? null : found;
}
