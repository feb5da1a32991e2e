import type { IncomingMessage, ServerResponse } from 'node:http';
import { CloudStoreError } from '#core/errors';
import { collect } from '#core/stream';
import { abandonBody, allowBody, readBody, requestBytes, sendWhole } from '#http/body';
import type { RequestContext } from '#http/door';
import { escapeXml, parseXml, type XmlElement } from '#http/xml';
import { CHALLENGE } from './basic-auth.ts';
import { DavError, type DavFault, faultHeaders, faultOf } from './errors.ts';
import { hasNoBody } from './request-headers.ts';
import { XML_HEAD } from './xml-element.ts';

const METHODS = [
  'OPTIONS',
  'GET',
  'HEAD',
  'PUT',
  'DELETE',
  'MKCOL',
  'COPY',
  'MOVE',
  'PROPFIND',
  'PROPPATCH',
  'PATCH',
  'REPORT',
  'LOCK',
  'UNLOCK',
] as const;
export type MethodName = (typeof METHODS)[number];
export const ALLOW = METHODS.join(', ');

/** Class 1, 2 and 3, RFC 5689 and sabre's PATCH; Finder wants to see it on the 401 too, Office looks for MS-Author-Via. */
export const DAV_CLASSES = '1, 2, 3, extended-mkcol, sabredav-partialupdate';
export const XML_TYPE = 'application/xml; charset=utf-8';
const XML_BODY_BYTES_MAX = 1 << 20;

/** A whole answer at once. */
export function answer(res: ServerResponse, status: number, headers: Record<string, string | number> = {}, body = ''): void {
  if (status === 204 || status === 304) res.writeHead(status, headers).end();
  else if (body === '') res.writeHead(status, { ...headers, 'Content-Length': 0 }).end();
  else {
    const bytes = Buffer.from(body);
    res.writeHead(status, { 'Content-Type': XML_TYPE, ...headers, 'Content-Length': bytes.length });
    sendWhole(res, bytes);
  }
}

/** The XML of a request; null when the body is empty. @throws too_large, invalid_argument, incomplete_body */
export async function readXml(x: { req: IncomingMessage; res: ServerResponse }): Promise<XmlElement | null> {
  return parseXmlBytes(await readXmlBytes(x));
}

/** @throws too_large, incomplete_body */
export function readXmlBytes({ req, res }: { req: IncomingMessage; res: ServerResponse }): Promise<Buffer> {
  allowBody(req, res);
  return readBody(req, XML_BODY_BYTES_MAX);
}

/** RFC 4918 §8.4: a body that the method would ignore is refused. @throws DavError 415; incomplete_body */
export async function assertNoBody({ req, res }: { req: IncomingMessage; res: ServerResponse }): Promise<void> {
  if (hasNoBody(req.headers)) return;
  const unwanted = new DavError(415, 'This method has no body.');
  if (req.headers['transfer-encoding'] === undefined) throw unwanted;
  // Its length is not told: it may be of no chunk.
  allowBody(req, res);
  await collect(requestBytes(req), 0, () => unwanted);
}

/** null when there is nothing. @throws invalid_argument */
export function parseXmlBytes(body: Buffer): XmlElement | null {
  if (body.length === 0) return null;
  const text = decodeXmlBytes(body);
  return text.trim() === '' ? null : parseXml(text);
}

/**
 * Tells an error by RFC 4918 §8.7: the precondition element where there is one. What nobody planned is logged with its
 * request id and told as a bare 500. When the head has gone the connection is cut: a torn answer must not look whole.
 * @param href of the resource that `lock-token-submitted` speaks of
 */
export function answerError(req: IncomingMessage, res: ServerResponse, cx: RequestContext, error: unknown, href: string): void {
  const fault = faultOf(error);
  if (fault.status === 500) cx.log.error({ err: error, requestId: cx.requestId }, 'webdav: request failed');
  if (res.headersSent) {
    res.destroy();
    return;
  }
  abandonBody(req, res);
  const headers: Record<string, string> = { ...faultHeaders(error) };
  if (fault.status === 401) {
    headers['WWW-Authenticate'] = CHALLENGE;
    headers.DAV = DAV_CLASSES;
  }
  if (fault.status === 405) headers.Allow ??= allowedBeside(req.method);
  if (fault.condition === undefined || req.method === 'HEAD') answer(res, fault.status, headers);
  else answer(res, fault.status, headers, errorBody(fault, href));
}

/** RFC 9110 §15.5.6: what the resource does take, which is not what was just refused. */
function allowedBeside(refused: string | undefined): string {
  return METHODS.filter((name) => name !== refused).join(', ');
}

function errorBody({ condition, href }: DavFault, fallback: string): string {
  const named = href ?? (condition === 'lock-token-submitted' ? fallback : undefined);
  const inside = named === undefined ? '/>' : `><d:href>${escapeXml(named)}</d:href></d:${condition}>`;
  return `${XML_HEAD}<d:error xmlns:d="DAV:"><d:${condition}${inside}</d:error>`;
}

/** UTF-8, or UTF-16 by its byte order mark (RFC 4918 §8.2 wants both read). @throws invalid_argument */
function decodeXmlBytes(body: Buffer): string {
  const mark = body.length >= 2 ? body.readUInt16BE(0) : 0;
  const encoding = mark === 0xfeff ? 'utf-16be' : mark === 0xfffe ? 'utf-16le' : 'utf-8';
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(body);
  } catch (cause) {
    throw new CloudStoreError('invalid_argument', `The body is no ${encoding}.`, { cause });
  }
}
