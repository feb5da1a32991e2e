import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ObjectInfo } from '#core/object';
import type { Who } from '#core/principal';
import { sendWhole } from '#http/body';
import type { Door, RequestContext } from '#http/door';
import { ALLOW, answerError } from './answer.ts';
import { authenticate, parseBasic } from './basic-auth.ts';
import { DavError } from './errors.ts';
import { type Exchange, virtualAt, type WebdavDeps } from './exchange.ts';
import { representationHeaders } from './methods/get.ts';
import { propfindAtOnce } from './methods/propfind.ts';
import { createMethods } from './methods.ts';
import { type Mount, type Place, parsePath } from './paths.ts';
import { hasNoBody } from './request-headers.ts';
import { lockedHref, pathOf, targetOf, whoOf } from './request-target.ts';
import { MOUNT_BASE, surroundingsOf } from './surroundings.ts';

export type { WebdavDeps } from './exchange.ts';

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
export function createWebdavDoor(options: WebdavDeps): Door {
  const { base = MOUNT_BASE } = options;
  const mount: Mount = { base, bucket: null };
  const deps = surroundingsOf(options);
  const { authenticator, buckets, namespace } = deps;
  const methodOf = createMethods();

  async function handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<void> {
    const name = req.method ?? '';
    const path = pathOf(req);
    const method = methodOf(name);
    cx.op = method === null ? 'unknown' : name;
    let x: Exchange | null = null;
    try {
      const principal = await authenticate(authenticator, req.headers, cx.remoteAddress);
      cx.user = principal.name;
      authenticator.admit(principal, cx);
      if (method === null) throw new DavError(405, 'The method is not known.', { headers: { Allow: ALLOW } });
      x = { deps, req, res, cx, who: whoOf(principal, cx), mount, target: targetOf(mount, path) };
      if (x.target.kind === 'root' && name !== 'OPTIONS' && name !== 'PROPFIND') throw new DavError(404, 'Nothing is here.');
      const place = x.target.kind === 'place' && name !== 'OPTIONS' ? x.target : null;
      const folder = place === null ? undefined : virtualAt(x, place);
      if (folder !== undefined && place !== null) await folder.serve(x, place, method);
      else await method(x);
    } catch (error) {
      // Nobody is there to be told, and what broke is only that.
      if (cx.signal.aborted) res.destroy();
      else answerError(req, res, cx, error, x === null ? path : lockedHref(mount, x.target, path, req.headers, error));
    }
  }

  function fast(req: IncomingMessage, res: ServerResponse, cx: RequestContext): boolean {
    const { method } = req;
    if (method !== 'GET' && method !== 'PROPFIND') return false;
    const { headers } = req;
    if (!hasNoBody(headers) || (method === 'GET' && UNUSUAL.some((header) => headers[header] !== undefined))) return false;
    const pair = parseBasic(headers);
    const principal = pair === null ? null : authenticator.remembered(pair.name, pair.password, cx.remoteAddress);
    if (principal === null) return false;
    try {
      authenticator.admit(principal, cx);
      const target = parsePath(mount, req.url ?? '');
      if (target?.kind !== 'place') return false;
      const who = whoOf(principal, cx);
      if (
        method === 'GET'
          ? !getAtOnce(res, who, target, cx.requestId)
          : !propfindAtOnce({ deps, req, res, cx, who, mount, target })
      )
        return false;
      cx.op = method;
      cx.user = principal.name;
      return true;
    } catch (error) {
      // Nothing has been written: the full path meets the same error and answers it.
      cx.log.debug({ err: error, requestId: cx.requestId }, 'webdav: short path left');
      return false;
    }
  }

  function getAtOnce(res: ServerResponse, who: Who, { root, folder, key, bucket: name }: Place, requestId: string): boolean {
    if (root || folder || key.endsWith('/')) return false;
    const bucket = buckets.resolved(who, name);
    const read = bucket === null ? null : namespace.peek(who, { bucket: bucket.id, key });
    if (read === null) return false;
    res.writeHead(200, [...headOf(read.info), 'X-Request-Id', requestId]);
    sendWhole(res, read.body);
    return true;
  }

  /** Names and values in turn, as node:http takes them fastest. An object in memory is the same until it changes. */
  function headOf(info: ObjectInfo): string[] {
    let head = heads.get(info);
    if (head === undefined)
      heads.set(info, (head = [...Object.entries(representationHeaders(info)).flat(), 'Content-Length', String(info.size)]));
    return head;
  }
  const heads = new WeakMap<ObjectInfo, string[]>();

  return { handle, fast };
}
