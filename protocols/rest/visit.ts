import type { Ticket } from '#contracts/links';
import type { Exchange } from './exchange.ts';
import { parsePlace } from './paths.ts';
import { isoTime } from './represent.ts';

/** Cookies of links: one a ticket, on the paths of that link only, so that no other link and no account ever sees it. */
const PREFIX = 'cloudstore-link-';
const COOKIES_BYTES_MAX = 8192;

/** The token in `/public/{token}…`. */
export function tokenOf({ path }: Exchange): string {
  return parsePlace(path.slice('/public/'.length)).bucket;
}

/** What follows `/public/{token}/{what}/`. @throws invalid_key */
export function pathWithin({ path }: Exchange, what: 'list' | 'files'): string {
  const token = path.indexOf('/', '/public/'.length);
  const rest = path.slice(token + 1 + what.length).replace(/^\//, '');
  return rest === '' ? '' : parsePlace(`-/${rest}`).key;
}

/** By header, for programs, and by cookie, for what a page cannot give headers to: images, players, downloads. */
export function ticketsOf({ req }: Exchange): string[] {
  const header = req.headers['x-link-ticket'];
  const cookies = (req.headers.cookie ?? '').slice(0, COOKIES_BYTES_MAX).split(/; */);
  const values = cookies.filter((cookie) => cookie.startsWith(PREFIX)).map((cookie) => cookie.slice(cookie.indexOf('=') + 1));
  return typeof header === 'string' ? [header, ...values] : values;
}

export function setTicket(x: Exchange, name: string, { value, expires }: Ticket): void {
  const path = `/api/v1/public/${encodeURIComponent(tokenOf(x))}`;
  const attributes = `Path=${path}; Expires=${new Date(isoTime(expires)).toUTCString()}; HttpOnly; SameSite=Strict${x.cx.secure ? '; Secure' : ''}`;
  x.res.appendHeader('Set-Cookie', `${PREFIX}${name}=${value}; ${attributes}`);
}
