import type { Exchange } from './exchange.ts';
import type { Output } from './response-writer.ts';

/** The answer of an operation that has not written it itself. */
export function sendOutput({ req, res, operation, writer }: Exchange, output: Output): void {
  const headers = writer.headers(output);
  const none = operation.status === 204 || req.method === 'HEAD';
  const page = none ? null : writer.page(output);
  if (page !== null) {
    headers['content-type'] = 'application/xml';
    headers['content-length'] = String(page.length);
    res.writeHead(operation.status, headers).end(page.bytes(), () => page.back());
    return;
  }
  const body = none ? null : writer.body(output);
  if (body !== null) {
    const length = Buffer.byteLength(body);
    // Most documents are ASCII. As a string they need no buffer, of which a page's would have the old generation collected every few megabytes.
    headers['content-type'] = 'application/xml';
    headers['content-length'] = String(length);
    if (length === body.length) res.writeHead(operation.status, headers).end(body, 'latin1');
    else res.writeHead(operation.status, headers).end(Buffer.from(body));
    return;
  }
  if (operation.status !== 204 && req.method !== 'HEAD') headers['content-length'] = '0';
  res.writeHead(operation.status, headers).end();
}
