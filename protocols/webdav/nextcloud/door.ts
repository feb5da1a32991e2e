import type { IncomingMessage, ServerResponse } from 'node:http';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';
import type { Door, RequestContext } from '#http/door';
import { ALLOW, answer, answerError } from '../answer.ts';
import { authenticate } from '../basic-auth.ts';
import { DavError, faultOf } from '../errors.ts';
import type { Exchange } from '../exchange.ts';
import { createMethods } from '../methods.ts';
import type { Mount } from '../paths.ts';
import { lockedHref, pathOf, targetOf, whoOf } from '../request-target.ts';
import { surroundingsOf } from '../surroundings.ts';
import { answerOf, capabilitiesAnswer } from './account.ts';
import { homeOf, type NextcloudDeps, originOf } from './deps.ts';
import { serveLogin } from './login-flow.ts';
import { decode, filesBase, filesPathOf } from './mounts.ts';
import { answerOcs, type OcsVersion } from './ocs.ts';
import { statusDocument } from './status.ts';
import { serveUpload, type UploadPath } from './uploads.ts';

const OCS = /^\/ocs\/v([12])\.php(\/[^?#]*?)\/?(?:[?#]|$)/;
const UPLOADS = /^\/remote\.php\/dav\/uploads\/([^/?#]+)\/([^/?#]+)(?:\/([^/?#]*))?\/?(?:[?#]|$)/;

/**
 * What Nextcloud's clients ask of a server, as far as files are concerned: `/status.php`, `/ocs`, `/remote.php` and `/index.php`. The files are the user's
 * home bucket, by the same methods as under `/dav/` (docs/adr/0018-webdav-extensions-and-dialects.md).
 */
export function createNextcloudDoor(deps: NextcloudDeps): Door {
  const surroundings = surroundingsOf(deps);
  const methodOf = createMethods();

  async function handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<void> {
    const path = pathOf(req);
    const plain = path.split(/[?#]/, 1)[0] ?? '';
    const ocs = OCS.exec(path);
    if (plain === '/status.php') return answerStatus(req, res, cx);
    if (plain === '/index.php/204') return empty(res, cx);
    if (ocs !== null) return serveOcs(req, res, cx, ocs[1] === '1' ? 1 : 2, ocs[2] ?? '');
    if (plain.startsWith('/remote.php/')) return serveDav(req, res, cx, path);
    return servePage(req, res, cx, plain);
  }

  /** Logging in; and a client's "open in the browser", which leads to our own pages. */
  async function servePage(req: IncomingMessage, res: ServerResponse, cx: RequestContext, path: string): Promise<void> {
    cx.op = 'page';
    try {
      if (await serveLogin(req, res, cx, deps, path)) return;
      if (req.method === 'GET' || req.method === 'HEAD') answer(res, 302, { Location: '/' });
      else answer(res, 404);
    } catch (error) {
      if (cx.signal.aborted) res.destroy();
      else answerError(req, res, cx, error, path);
    }
  }

  async function serveOcs(
    req: IncomingMessage,
    res: ServerResponse,
    cx: RequestContext,
    version: OcsVersion,
    path: string,
  ): Promise<void> {
    cx.op = 'OCS';
    const origin = originOf(cx, deps.publicUrl);
    try {
      if (path === '/cloud/capabilities') return answerOcs(req, res, version, capabilitiesAnswer(origin));
      const principal = await admitted(req, cx);
      if (path === '/core/apppassword' && req.method === 'DELETE') return await forget(req, res, cx, version, principal);
      const result = await answerOf({ deps: surroundings, who: whoOf(principal, cx) }, req.method ?? '', path, origin);
      answerOcs(req, res, version, result ?? { status: 404, message: 'There is no such thing here.', data: [] });
    } catch (error) {
      if (cx.signal.aborted) return void res.destroy();
      const { status } = faultOf(error);
      if (status === 500) cx.log.error({ err: error, requestId: cx.requestId }, 'nextcloud: request failed');
      const message = status === 401 ? 'Current user is not logged in' : isCloudStoreError(error) ? error.message : '';
      answerOcs(req, res, version, { status, message, data: [] });
    }
  }

  /** A client that is removed from a device gives its app password back. */
  async function forget(
    req: IncomingMessage,
    res: ServerResponse,
    cx: RequestContext,
    version: OcsVersion,
    principal: Principal,
  ): Promise<void> {
    const { credential } = principal;
    if (credential?.kind !== 'app-password') throw new CloudStoreError('access_denied', 'You did not come with an app password.');
    await deps.identity.credentials.remove(whoOf(principal, cx), credential.id);
    answerOcs(req, res, version, { status: 200, data: [] });
  }

  async function serveDav(req: IncomingMessage, res: ServerResponse, cx: RequestContext, path: string): Promise<void> {
    const name = req.method ?? '';
    const method = methodOf(name);
    cx.op = method === null ? 'unknown' : name;
    let mount: Mount | null = null;
    let x: Exchange | null = null;
    try {
      const principal = await admitted(req, cx);
      if (method === null) throw new DavError(405, 'The method is not known.', { headers: { Allow: ALLOW } });
      const who = whoOf(principal, cx);
      const home = await homeOf(deps.buckets, who);
      const upload = uploadPathOf(path, principal);
      const files = upload === null ? filesPathOf(path, principal.name, home) : null;
      mount =
        upload === null
          ? (files?.mount ?? null)
          : { base: filesBase(principal.name), bucket: home.name, aliases: ['/remote.php/webdav'] };
      if (mount === null) throw new DavError(404, 'Nothing is here.');
      const exchange = { deps: surroundings, req, res, cx, who, mount };
      if (upload !== null) {
        const target = { kind: 'home' } as const;
        await serveUpload({ ...exchange, target }, deps, home, upload);
      } else {
        x = { ...exchange, target: targetOf(mount, files?.path ?? path) };
        await method(x);
      }
    } catch (error) {
      if (cx.signal.aborted) res.destroy();
      else
        answerError(
          req,
          res,
          cx,
          asClientsReadIt(error),
          x === null ? path : lockedHref(x.mount, x.target, path, req.headers, error),
        );
    }
  }

  async function admitted(req: IncomingMessage, cx: RequestContext): Promise<Principal> {
    const principal = await authenticate(deps.authenticator, req.headers, cx.remoteAddress);
    cx.user = principal.name;
    deps.authenticator.admit(principal, cx);
    return principal;
  }

  return { handle };
}

function answerStatus(req: IncomingMessage, res: ServerResponse, cx: RequestContext): void {
  cx.op = 'status';
  const body = JSON.stringify(statusDocument());
  res.writeHead(200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.length,
    'Access-Control-Allow-Origin': '*',
  });
  res.end(req.method === 'HEAD' ? undefined : body);
}

/** How Android asks whether a captive portal is in the way. */
function empty(res: ServerResponse, cx: RequestContext): void {
  cx.op = 'status';
  answer(res, 204);
}

/** null for another path, or another user's uploads. */
function uploadPathOf(path: string, principal: Principal): UploadPath | null {
  const match = UPLOADS.exec(path);
  if (match === null || decode(match[1] ?? '') !== principal.name) return null;
  const id = decode(match[2] ?? '');
  const name = match[3] ? decode(match[3]) : null;
  if (id === null || (match[3] && name === null))
    throw new CloudStoreError('invalid_argument', 'The path holds an escape that is no UTF-8.');
  return { id, name };
}

/** 503 means to these clients that the server is being maintained, and they give up everything: a lost race is a file that is busy. */
function asClientsReadIt(error: unknown): unknown {
  return isCloudStoreError(error, 'conflict') ? new DavError(423, error.message) : error;
}
