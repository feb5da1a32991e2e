import type { ServerResponse } from 'node:http';
import { isCloudStoreError } from '#core/errors';
import { abandonBody } from '#http/body';
import type { RequestContext } from '#http/door';
import { notModifiedHeaders } from '#http/not-modified';
import { escapeXml } from '#http/xml';
import { CATALOGUE, type S3Error, type Subject, toS3Error } from './errors.ts';
import { XML_DECLARATION } from './response-writer.ts';

/** `<Error>` has no namespace at AWS. */
export function errorDocument(error: S3Error, requestId: string, resource: string): string {
  let fields = '';
  for (const [name, value] of Object.entries(error.fields)) {
    // Names like X-Amz-Expires are elements at AWS too; what XML cannot carry in a value is escaped.
    fields += `<${name}>${escapeXml(String(value))}</${name}>`;
  }
  return `${XML_DECLARATION}<Error><Code>${error.code}</Code><Message>${escapeXml(error.message)}</Message>${fields}<Resource>${escapeXml(resource)}</Resource><RequestId>${requestId}</RequestId><HostId>${requestId}</HostId></Error>`;
}

/** Answers anything thrown. HEAD and 304 have no body. After the head has gone the connection is cut: nothing else is true. */
export function answerError(res: ServerResponse, cx: RequestContext, thrown: unknown, subject?: Subject | null): void {
  const { req } = res;
  const error = toS3Error(thrown, subject);
  const [status] = CATALOGUE[error.code];
  if (status >= 500 && error.code !== 'NotImplemented')
    cx.log.error({ err: thrown, requestId: cx.requestId, op: cx.op }, 's3: request failed');
  if (res.headersSent) {
    res.destroy();
    return;
  }
  abandonBody(req, res);
  const { range } = req.headers;
  if (error.code === 'InvalidRange' && range !== undefined) error.fields.RangeRequested = range.slice(0, 200);
  for (const [name, value] of Object.entries(headersOf(thrown))) res.setHeader(name, value);
  if (error.code === 'SlowDown' || error.code === 'ServiceUnavailable') res.setHeader('Retry-After', '1');
  if (status === 304) {
    res.writeHead(304).end();
    return;
  }
  const document = errorDocument(error, cx.requestId, (req.url ?? '/').split('?')[0] ?? '/');
  res.writeHead(status, {
    'content-type': 'application/xml',
    ...(req.method === 'HEAD' ? {} : { 'content-length': Buffer.byteLength(document) }),
  });
  res.end(req.method === 'HEAD' ? undefined : document);
}

/** 304 keeps what its 200 would say to caches, 416 says the size. */
function headersOf(thrown: unknown): Record<string, string> {
  if (!isCloudStoreError(thrown)) return {};
  const { size } = thrown.details;
  if (thrown.code === 'invalid_range' && typeof size === 'number') return { 'Content-Range': `bytes */${size}` };
  return notModifiedHeaders(thrown);
}
