import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ObjectRead } from '#contracts/namespace';
import type { ObjectKey } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { ObjectInfo } from '#core/object';
import { abandonBody, sendBody } from '#http/body';
import { parseConditions } from '#http/conditional-headers';
import type { RequestContext } from '#http/door';
import { notModifiedHeaders } from '#http/not-modified';
import { escapeXml } from '#http/xml';
import { askedRange } from './asked-range.ts';
import { allowOrigin, answerPreflight } from './cors.ts';
import { documentOf } from './documents.ts';
import { CATALOGUE, S3Error, toS3Error } from './errors.ts';
import type { S3Deps } from './exchange.ts';
import { unlessListed } from './missing.ts';
import { REDIRECT_ATTRIBUTE } from './representation.ts';
import { decodePath, encodeUri, splitTarget } from './uri.ts';

/** As AWS names them; checked when the configuration was put. */
export interface WebsiteDocument {
  RedirectAllRequestsTo?: { HostName: string; Protocol?: 'http' | 'https' };
  IndexDocument?: { Suffix: string };
  ErrorDocument?: { Key: string };
  RoutingRules?: RoutingRule[];
}

export interface RoutingRule {
  Condition?: { HttpErrorCodeReturnedEquals?: string; KeyPrefixEquals?: string };
  Redirect: {
    HostName?: string;
    HttpRedirectCode?: string;
    Protocol?: 'http' | 'https';
    ReplaceKeyPrefixWith?: string;
    ReplaceKeyWith?: string;
  };
}

export interface WebsiteOptions {
  deps: S3Deps;
  /** GET's headers of an object. */
  headersOf(info: ObjectInfo, bucket: Bucket): Record<string, string>;
}

interface Visit {
  req: IncomingMessage;
  res: ServerResponse;
  cx: RequestContext;
  bucket: Bucket;
  site: WebsiteDocument;
  /** As asked for, without the leading slash. */
  key: string;
}

/**
 * A bucket as a website: everybody reads what everybody may read, folders have an index, errors a document, and rules redirect.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
 */
export function createWebsite({ deps, headersOf }: WebsiteOptions) {
  const { namespace, buckets } = deps;
  const whoOf = (cx: RequestContext) => ({ principal: null, protocol: 's3' as const, requestId: cx.requestId, context: cx });

  async function handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext, name: string): Promise<void> {
    cx.op = 'Website';
    let visit: Visit | null = null;
    try {
      const asks = req.method === 'OPTIONS';
      if (req.method !== 'GET' && req.method !== 'HEAD' && !asks)
        throw new S3Error('MethodNotAllowed', undefined, { Method: req.method ?? '', ResourceType: 'OBJECT' });
      const bucket = await buckets.named(name);
      if (asks) {
        answerPreflight(req, res, bucket, true);
        return;
      }
      allowOrigin(req, res, bucket);
      if (bucket === null) throw new S3Error('NoSuchBucket', undefined, { BucketName: name });
      const site = documentOf<WebsiteDocument>(bucket, 'website');
      if (site === null) throw new S3Error('NoSuchWebsiteConfiguration', undefined, { BucketName: name });
      const { path } = splitTarget(req.url ?? '/');
      visit = { req, res, cx, bucket, site, key: decodePath(path.slice(1)) };
      await show(visit);
    } catch (error) {
      if (!cx.signal.aborted || !res.destroyed) await fail(req, res, cx, visit, error);
    }
  }

  async function show(visit: Visit): Promise<void> {
    const { site, key, res } = visit;
    if (site.RedirectAllRequestsTo !== undefined) {
      const { HostName, Protocol } = site.RedirectAllRequestsTo;
      const { path, query } = splitTarget(visit.req.url ?? '/');
      redirect(visit, 301, `${Protocol ?? schemeOf(visit)}://${HostName}${path}${query === '' ? '' : `?${query}`}`);
      return;
    }
    const rule = ruleFor(site, key, null);
    if (rule !== null) {
      follow(visit, rule);
      return;
    }
    const index = site.IndexDocument?.Suffix ?? 'index.html';
    const wanted = key === '' || key.endsWith('/') ? `${key}${index}` : key;
    const read = await readOrFolder(visit, wanted, index);
    if (read === null) {
      // Two slashes in front would name another host.
      redirect(visit, 302, `/${encodeUri(key, true).replace(/^\//, '%2F')}/`);
      return;
    }
    const elsewhere = read.info.attributes.extra?.[REDIRECT_ATTRIBUTE];
    if (elsewhere !== undefined) redirect(visit, 301, asAddress(elsewhere));
    else await sendObject(visit, read, 200);
    if (!res.writableEnded && visit.req.method === 'HEAD') res.end();
  }

  /** The object; null where a folder of that name has an index. */
  async function readOrFolder(visit: Visit, key: ObjectKey, index: string): Promise<ObjectRead | null> {
    const at = { bucket: visit.bucket.id, key };
    try {
      return await namespace.get(whoOf(visit.cx), at, { conditions: parseConditions(visit.req.headers) });
    } catch (error) {
      const status = CATALOGUE[toS3Error(error).code][0];
      const folder = { ...at, key: `${key}/${index}` };
      const folders = !key.endsWith(`/${index}`) && (status === 404 || status === 403);
      const found = folders ? await namespace.stat(whoOf(visit.cx), folder).catch(() => null) : null;
      if (found === null) throw await unlessListed(deps.authorizer, whoOf(visit.cx), visit.bucket, key, error);
      return null;
    }
  }

  /** An error's document is sent whole. */
  async function sendObject({ req, res, cx, bucket }: Visit, read: ObjectRead, status: number): Promise<void> {
    const headers = headersOf(read.info, bucket);
    const range = status === 200 ? askedRange(req, read.info) : null;
    if (range !== null) {
      headers['content-range'] = `bytes ${range.start}-${range.end}/${read.info.size}`;
      headers['content-length'] = String(range.end - range.start + 1);
    }
    const begin = (): void => void res.writeHead(range === null ? status : 206, headers);
    if (req.method === 'HEAD' || read.info.size === 0) {
      begin();
      res.end();
    } else await sendBody(res, read.body(range ?? undefined, cx.signal), cx.signal, begin);
  }

  /** A rule for this error, the site's error document, or a page of our own. */
  async function fail(
    req: IncomingMessage,
    res: ServerResponse,
    cx: RequestContext,
    visit: Visit | null,
    thrown: unknown,
  ): Promise<void> {
    const error = toS3Error(thrown);
    const [status] = CATALOGUE[error.code];
    if (status >= 500) cx.log.error({ err: thrown, requestId: cx.requestId }, 's3: a website failed');
    if (res.headersSent) {
      res.destroy();
      return;
    }
    abandonBody(req, res);
    if (status === 304) {
      res.writeHead(304, notModifiedHeaders(thrown)).end();
      return;
    }
    const rule = visit === null ? null : ruleFor(visit.site, visit.key, status);
    if (visit !== null && rule !== null) {
      follow(visit, rule);
      return;
    }
    const document = status < 500 ? visit?.site.ErrorDocument?.Key : undefined;
    if (visit !== null && document !== undefined) {
      const read = await namespace.get(whoOf(cx), { bucket: visit.bucket.id, key: document }).catch(() => null);
      if (read !== null) {
        await sendObject(visit, read, status);
        return;
      }
    }
    const page = errorPage(status, error, cx.requestId);
    res.writeHead(status, {
      'content-type': 'text/html; charset=utf-8',
      'content-length': Buffer.byteLength(page),
      'x-amz-error-code': error.code,
      'x-amz-error-message': error.message.replace(/[^\x20-\x7e]/g, ' '),
    });
    res.end(req.method === 'HEAD' ? undefined : page);
  }

  return { handle };
}

/** The first rule that is about this key and this error (null: before anything was looked for). */
function ruleFor({ RoutingRules = [] }: WebsiteDocument, key: string, status: number | null): RoutingRule | null {
  return (
    RoutingRules.find(({ Condition = {} }) => {
      const { HttpErrorCodeReturnedEquals: code, KeyPrefixEquals: prefix = '' } = Condition;
      if (!key.startsWith(prefix)) return false;
      return code === undefined ? status === null : Number(code) === status;
    }) ?? null
  );
}

function follow(visit: Visit, { Condition, Redirect }: RoutingRule): void {
  const { HostName, HttpRedirectCode, Protocol, ReplaceKeyPrefixWith, ReplaceKeyWith } = Redirect;
  const rest = visit.key.slice((Condition?.KeyPrefixEquals ?? '').length);
  const key = ReplaceKeyWith ?? (ReplaceKeyPrefixWith === undefined ? visit.key : `${ReplaceKeyPrefixWith}${rest}`);
  const host = HostName ?? visit.req.headers.host ?? visit.bucket.name;
  redirect(visit, Number(HttpRedirectCode ?? 301), `${Protocol ?? schemeOf(visit)}://${host}/${encodeUri(key, true)}`);
}

function redirect({ res }: Visit, status: number, location: string): void {
  res.writeHead(status, { location, 'content-length': '0' }).end();
}

function schemeOf({ cx }: Visit): string {
  return cx.secure ? 'https' : 'http';
}

/** What a header said, made an address: what is encoded there stays as it is. Its bytes are UTF-8 or, where they are not, latin1. */
function asAddress(said: string): string {
  const bytes = Buffer.from(said, 'latin1');
  return (isUtf8(bytes) ? said : Buffer.from(said).toString('latin1')).replace(
    /%(?![0-9A-Fa-f]{2})|[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

function errorPage(status: number, { code, message, fields }: S3Error, requestId: string): string {
  const items = Object.entries({ Code: code, Message: message, ...fields, RequestId: requestId, HostId: requestId })
    .map(([name, value]) => `<li>${escapeXml(name)}: ${escapeXml(String(value))}</li>\n`)
    .join('');
  const title = `${status} ${escapeXml(code)}`;
  return `<html>\n<head><title>${title}</title></head>\n<body>\n<h1>${title}</h1>\n<ul>\n${items}</ul>\n<hr/>\n</body>\n</html>\n`;
}
