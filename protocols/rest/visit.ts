import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Ticket } from '#contracts/links';
import type { Exchange } from './exchange.ts';
import { parsePlace } from './paths.ts';
import { isoTime } from './represent.ts';

/** Cookies of links, on the paths of that link only, so that no other link and no account ever sees them. */
const PREFIX = 'cloudstore-link-';
const COOKIES_BYTES_MAX = 8192;
/**
 * Whoever looks through a folder of pictures downloads hundreds. Browsers keep 150 cookies of a host and drop others for more, and proxies take 8 KiB of them: tickets of
 * downloads share a few, each with its latest.
 */
const COUNTED_COOKIES = 16;
const COUNTED_EACH = 6;
const BETWEEN = '~';
const TICKET = /^[0-9a-z]{1,11}\.[\w-]{43}$/;

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
  const values = ticketsIn(req, PREFIX);
  return typeof header === 'string' ? [header, ...values] : values;
}

function ticketsIn({ headers }: IncomingMessage, beginning: string): string[] {
  const cookies = (headers.cookie ?? '').slice(0, COOKIES_BYTES_MAX).split(/; */);
  return cookies
    .filter((cookie) => cookie.startsWith(beginning))
    .flatMap((cookie) => cookie.slice(cookie.indexOf('=') + 1).split(BETWEEN));
}

/** @param what was downloaded */
export function setCounted(x: Exchange, what: string, { value, expires }: Ticket): void {
  const name = `counted-${createHash('sha256').update(what).digest()[0]! % COUNTED_COOKIES}`;
  const before = ticketsIn(x.req, `${PREFIX}${name}=`).filter((one) => TICKET.test(one));
  setTicket(x, name, { value: [value, ...before].slice(0, COUNTED_EACH).join(BETWEEN), expires });
}

export function setTicket(x: Exchange, name: string, { value, expires }: Ticket): void {
  const path = `/api/v1/public/${encodeURIComponent(tokenOf(x))}`;
  const attributes = `Path=${path}; Expires=${new Date(isoTime(expires)).toUTCString()}; HttpOnly; SameSite=Strict${x.cx.secure ? '; Secure' : ''}`;
  x.res.appendHeader('Set-Cookie', `${PREFIX}${name}=${value}; ${attributes}`);
}
