import { checkConditions } from '#core/conditions';
import { httpDate, parseConditions } from '#http/conditional-headers';
import { answer } from './answer.ts';
import { DavError } from './errors.ts';
import type { Exchange } from './exchange.ts';

/**
 * What GET and HEAD get of a collection. There is nothing to read; but clients ask by HEAD whether a name is there (Python's webdavclient3 does before all that it does), and sabre and Apache
 * let them.
 * @param folder without an ETag where nobody keeps one of it
 * @throws DavError 405 for GET; not_modified, precondition_failed
 */
export function answerFolder(
  { req, res }: Exchange,
  { etag, modified }: { etag: string; modified: number },
  headers: Record<string, string> = {},
): void {
  if (req.method !== 'HEAD') throw new DavError(405, 'A collection is read with PROPFIND.', { headers });
  if (etag !== '') checkConditions(parseConditions(req.headers), { etag, modified }, 'read');
  answer(res, 200, {
    'Content-Type': 'httpd/unix-directory',
    ...(etag === '' ? {} : { ETag: `"${etag}"` }),
    ...(modified === 0 ? {} : { 'Last-Modified': httpDate(modified) }),
  });
}

/**
 * GET of the root of a Nextcloud's files. GNOME's Online Accounts add such an account if `/remote.php/webdav/` answers 200, and for nothing else (goa_http_client_check in goahttpclient.c, before
 * there was a goadavclient.c); Nextcloud answers so for the sake of such clients (DummyGetResponsePlugin).
 */
export function answerFrontDoor({ res }: Exchange): void {
  const text = 'Files are here for clients of Nextcloud and of WebDAV.\n';
  res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': text.length }).end(text);
}
