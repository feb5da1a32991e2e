import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isCloudStoreError } from '#core/errors';
import type { Principal, Who } from '#core/principal';
import type { RequestContext } from '#http/door';
import { DavError } from './errors.ts';
import { hrefBeside, type Mount, parsePath, type Target } from './paths.ts';

export function whoOf(principal: Principal, cx: RequestContext): Who & { principal: Principal } {
  return { principal, protocol: 'webdav', requestId: cx.requestId, context: cx };
}

/** @throws invalid_argument; DavError 404 for a path that is not ours */
export function targetOf(mount: Mount, path: string): Target {
  // `OPTIONS *` asks for the server as a whole (RFC 9110 §9.3.7).
  const target = parsePath(mount, path === '*' ? '/' : path);
  if (target === null) throw new DavError(404, 'Nothing is here.');
  return target;
}

/** What `lock-token-submitted` names: the path that the lock lies on, where that is surely in the bucket of the request. */
export function lockedHref(mount: Mount, target: Target, path: string, headers: IncomingHttpHeaders, error: unknown): string {
  if (!isCloudStoreError(error, 'locked') || typeof error.details.key !== 'string' || headers.destination !== undefined)
    return path;
  return target.kind === 'place' ? hrefBeside(mount, target, error.details.key) : path;
}

export function pathOf(req: IncomingMessage): string {
  return req.url ?? '/';
}
