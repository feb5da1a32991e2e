import type { IncomingMessage } from 'node:http';
import type { RequestContext } from './door.ts';

/** Browsers name the page that opens a socket; another site's page must not ride on what the user has here. Programs send no Origin. */
export function sameOrigin(req: IncomingMessage, cx: RequestContext): boolean {
  const { origin } = req.headers;
  if (origin === undefined) return true;
  const host = cx.host ?? req.headers.host;
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}

/** The answer to an upgrade by a page of another origin, before anything is taken over. */
export const FOREIGN_ORIGIN = 'HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
