import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';
import type { Door, RequestContext } from '#http/door';
import { ALLOW, answer, answerError } from '../answer.ts';
import { authenticate } from '../basic-auth.ts';
import { DavError, faultOf } from '../errors.ts';
import type { Exchange, Surroundings } from '../exchange.ts';
import { createMethods } from '../methods.ts';
import type { Mount } from '../paths.ts';
import { lockedHref, pathOf, targetOf, whoOf } from '../request-target.ts';
import { surroundingsOf } from '../surroundings.ts';
import { answerOf, capabilitiesAnswer } from './account.ts';
import { trashbinPathOf, versionPathOf } from './beside.ts';
import { BULK_PATH, serveBulk } from './bulk.ts';
import { homeOf, type NextcloudDeps, originOf } from './deps.ts';
import { createFileIds } from './file-ids.ts';
import { serveLogin } from './login-flow.ts';
import { decode, filesBase, filesPathOf } from './mounts.ts';
import { answerOcs, type OcsVersion } from './ocs.ts';
import { isPreviewPath, servePreview } from './previews.ts';
import { statusDocument } from './status.ts';
import { serveTrashbin } from './trashbin.ts';
import { serveUpload, type UploadPath } from './uploads.ts';
import { serveVersions } from './versions.ts';

const OCS = /^\/ocs\/v([12])\.php(\/[^?#]*?)\/?(?:[?#]|$)/;
const UPLOADS = /^\/remote\.php\/dav\/uploads\/([^/?#]+)\/([^/?#]+)(?:\/([^/?#]*))?\/?(?:[?#]|$)/;

/**
 * What Nextcloud's clients ask of a server, as far as files are concerned: `/status.php`, `/ocs`, `/remote.php` and `/index.php`. The files are the user's
 * home bucket, by the same methods as under `/dav/` (docs/adr/0018-webdav-extensions-and-dialects.md).
 */
export function createNextcloudDoor(deps: NextcloudDeps): Door {
  const ids = createFileIds(deps);
  const surroundings: Surroundings = { ...surroundingsOf(deps), shown: ids.saw };
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
      if (isPreviewPath(path)) {
        cx.op = 'preview';
        const { x: exchange, home } = await enter(req, res, cx);
        return await servePreview(exchange, deps, ids, home, path);
      }
      if (req.method === 'GET' || req.method === 'HEAD') answer(res, 302, { Location: '/' });
      else answer(res, 404);
    } catch (error) {
      if (cx.signal.aborted) res.destroy();
      else answerError(req, res, cx, asClientsReadIt(error), path);
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
      if (path === '/cloud/capabilities')
        return answerOcs(req, res, version, capabilitiesAnswer(origin, req.headers['user-agent'] ?? ''));
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
    const plain = path.split(/[?#]/, 1)[0] ?? '';
    const name = req.method ?? '';
    const method = methodOf(name);
    cx.op = method === null ? 'unknown' : name;
    let x: Exchange | null = null;
    try {
      const { x: exchange, home } = await enter(req, res, cx);
      if (plain === BULK_PATH) {
        cx.op = 'bulk';
        return await serveBulk(exchange, deps, home);
      }
      if (method === null) throw new DavError(405, 'The method is not known.', { headers: { Allow: ALLOW } });
      const { principal } = exchange.who;
      const files = filesPathOf(path, principal.name, home);
      if (files === null) return await serveBeside(exchange, home, path);
      x = { ...exchange, mount: files.mount, target: targetOf(files.mount, files.path) };
      await method(x);
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

  /** What is no file of the user's, and hangs on them. */
  async function serveBeside(exchange: Exchange, home: Bucket, path: string): Promise<void> {
    const { principal } = exchange.who;
    const upload = uploadPathOf(path, principal);
    if (upload !== null) return serveUpload(exchange, deps, home, upload);
    const version = versionPathOf(path, principal);
    if (version !== null) return serveVersions(exchange, deps, ids, home, version);
    const trash = trashbinPathOf(path, principal, home.name);
    const target = trash === null ? null : targetOf(trash.mount, trash.path);
    if (trash === null || target?.kind !== 'place') throw new DavError(404, 'Nothing is here.');
    return serveTrashbin({ ...exchange, mount: trash.mount, target }, deps, ids, home, target);
  }

  /** Who asks, and for whose files. */
  async function enter(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<{ x: Exchange; home: Bucket }> {
    const who = whoOf(await admitted(req, cx), cx);
    const home = await homeOf(deps.buckets, who);
    const mount = mountOf(who.principal, home);
    return { x: { deps: surroundings, req, res, cx, who, mount, target: { kind: 'home' } }, home };
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

function mountOf({ name }: Principal, home: Bucket): Mount {
  return { base: filesBase(name), bucket: home.name, aliases: ['/remote.php/webdav'] };
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
