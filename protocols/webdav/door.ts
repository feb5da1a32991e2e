import type { IncomingMessage, ServerResponse } from 'node:http';
import { isCloudStoreError } from '#core/errors';
import type { Principal, Who } from '#core/principal';
import type { Door, RequestContext } from '#http/door';
import { ALLOW, answerError, type MethodName } from './answer.ts';
import { authenticate, parseBasic } from './basic-auth.ts';
import { createDispatcher } from './dispatcher.ts';
import { DavError } from './errors.ts';
import type { Exchange, Method, Surroundings, WebdavDeps } from './exchange.ts';
import { createListingCache } from './listing-cache.ts';
import { copy, move } from './methods/copy-move.ts';
import { remove } from './methods/delete.ts';
import { get, representationHeaders } from './methods/get.ts';
import { lock, unlock } from './methods/lock.ts';
import { mkcol } from './methods/mkcol.ts';
import { options } from './methods/options.ts';
import { patch } from './methods/patch.ts';
import { propfind } from './methods/propfind.ts';
import { proppatch } from './methods/proppatch.ts';
import { put } from './methods/put.ts';
import { report } from './methods/report.ts';
import { hrefOf, type Mount, parsePath, type Target } from './paths.ts';
import { PRINCIPALS_NAME, principalsFolder } from './principals.ts';

export type { WebdavDeps } from './exchange.ts';

const TABLE: Record<MethodName, Method> = {
  OPTIONS: options,
  GET: get,
  HEAD: get,
  PUT: put,
  DELETE: remove,
  MKCOL: mkcol,
  COPY: copy,
  MOVE: move,
  PROPFIND: propfind,
  PROPPATCH: proppatch,
  PATCH: patch,
  REPORT: report,
  LOCK: lock,
  UNLOCK: unlock,
};

/** What a drive does all day goes straight to its method; webdav-server's dispatcher, in front of the rest, costs 56 µs a request. */
const DIRECT: ReadonlySet<string> = new Set(['OPTIONS', 'GET', 'HEAD', 'PUT', 'PROPFIND', 'PATCH', 'REPORT']);

/** Two folders of 10,000 files, as file managers ask for them. */
const LISTINGS_BYTES_MAX = 16 << 20;

/** A small cached file is answered without leaving the tick when nothing but these is asked of it. */
const UNUSUAL = [
  'if',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'range',
  'want-repr-digest',
  'want-digest',
] as const;

/** WebDAV class 1, 2 and 3 (RFC 4918) over the namespace: `<base>/<bucket>/<key>`; the collection of buckets at `<base>/`. */
export function createWebdavDoor({ base = '/dav', publicUrl, virtual = [], ...rest }: WebdavDeps): Door {
  const publicHosts = publicUrl ? [new URL(publicUrl).host] : [];
  const mount: Mount = { base, bucket: null };
  const deps: Surroundings = {
    ...rest,
    publicHosts,
    virtual: [principalsFolder, ...virtual],
    principalsBase: `${base}/${PRINCIPALS_NAME}`,
    listings: createListingCache(LISTINGS_BYTES_MAX),
  };
  const { authenticator, buckets, namespace } = deps;
  const dispatch = createDispatcher(TABLE);

  async function handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<void> {
    const name = req.method ?? '';
    const method = Object.hasOwn(TABLE, name) ? TABLE[name as MethodName] : undefined;
    cx.op = method === undefined ? 'unknown' : name;
    try {
      const principal = await authenticate(authenticator, req.headers, cx.remoteAddress);
      cx.user = principal.name;
      authenticator.admit(principal, cx);
      if (method === undefined) throw new DavError(405, 'The method is not known.', { headers: { Allow: ALLOW } });
      const x: Exchange = { deps, req, res, cx, who: whoOf(principal, cx), mount, target: targetOf(mount, req) };
      const place = x.target.kind === 'place' ? x.target : null;
      const folder = place === null ? undefined : deps.virtual.find((one) => one.name === place.bucket);
      if (folder !== undefined && place !== null && name !== 'OPTIONS') await folder.serve(x, place);
      else await (DIRECT.has(name) ? method(x) : dispatch(x));
    } catch (error) {
      // Nobody is there to be told, and what broke is only that.
      if (cx.signal.aborted) res.destroy();
      else answerError(req, res, cx, error, lockedHref(mount, req, error));
    }
  }

  function fast(req: IncomingMessage, res: ServerResponse, cx: RequestContext): boolean {
    if (req.method !== 'GET') return false;
    for (const header of UNUSUAL) if (req.headers[header] !== undefined) return false;
    const pair = parseBasic(req.headers);
    const principal = pair === null ? null : authenticator.remembered(pair.name, pair.password);
    if (principal === null) return false;
    try {
      authenticator.admit(principal, cx);
      const target = parsePath(mount, req.url ?? '');
      if (target?.kind !== 'place' || target.root || target.folder || target.key.endsWith('/')) return false;
      const who = whoOf(principal, cx);
      const bucket = buckets.resolved(who, target.bucket);
      const read = bucket === null ? null : namespace.peek(who, { bucket: bucket.id, key: target.key });
      if (read === null) return false;
      cx.op = 'GET';
      cx.user = principal.name;
      res.writeHead(200, { ...representationHeaders(read.info), 'Content-Length': read.body.length }).end(read.body);
      return true;
    } catch (error) {
      // Nothing has been written: the full path meets the same error and answers it.
      cx.log.debug({ err: error, requestId: cx.requestId }, 'webdav: short path left');
      return false;
    }
  }

  return { handle, fast };
}

function whoOf(principal: Principal, cx: RequestContext): Who & { principal: Principal } {
  return { principal, protocol: 'webdav', requestId: cx.requestId, context: cx };
}

/** @throws invalid_argument; DavError 404 for a path that is not ours */
function targetOf(mount: Mount, req: IncomingMessage): Target {
  const path = pathOf(req);
  // `OPTIONS *` asks for the server as a whole (RFC 9110 §9.3.7).
  const target = parsePath(mount, path === '*' ? '/' : path);
  if (target === null || (target.kind === 'root' && req.method !== 'OPTIONS' && req.method !== 'PROPFIND')) {
    throw new DavError(404, 'Nothing is here.');
  }
  return target;
}

/** What `lock-token-submitted` names: the path that the lock lies on, where that is surely in the bucket of the request. */
function lockedHref(mount: Mount, req: IncomingMessage, error: unknown): string {
  const path = pathOf(req);
  if (!isCloudStoreError(error, 'locked') || typeof error.details.key !== 'string' || req.headers.destination !== undefined)
    return path;
  const target = parsePath(mount, path);
  return target?.kind === 'place' ? hrefOf(mount, target.bucket, error.details.key) : path;
}

/** The path of the request target, also of its absolute form (RFC 9112 §3.2.2). */
function pathOf(req: IncomingMessage): string {
  return (req.url ?? '/').replace(/^https?:\/\/[^/?#]*/i, '') || '/';
}
