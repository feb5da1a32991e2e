import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket } from '#core/bucket';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';
import type { Door, RequestContext } from '#http/door';
import { ALLOW, answer, answerError } from '../answer.ts';
import { authenticate } from '../basic-auth.ts';
import { DavError, faultHeaders, faultOf } from '../errors.ts';
import type { Exchange, Surroundings } from '../exchange.ts';
import { createMethods } from '../methods.ts';
import type { Mount } from '../paths.ts';
import { lockedHref, pathOf, targetOf, whoOf } from '../request-target.ts';
import { surroundingsOf } from '../surroundings.ts';
import { answerOf, capabilitiesAnswer } from './account.ts';
import { trashbinPathOf, versionPathOf } from './beside.ts';
import { serveBulk } from './bulk.ts';
import { homeOf, type NextcloudDeps, originOf } from './deps.ts';
import { createFileIds } from './file-ids.ts';
import { serveLogin } from './login-flow.ts';
import { decode, filesBase, filesPathOf } from './mounts.ts';
import { answerOcs, type OcsVersion } from './ocs.ts';
import { servePreview } from './previews.ts';
import { createRoutes, OCS } from './routes.ts';
import { createSearching } from './search.ts';
import { statusDocument } from './status.ts';
import { serveTrashbin } from './trashbin.ts';
import { serveUpload, type UploadPath } from './uploads.ts';
import { serveVersions } from './versions.ts';

const UPLOADS = /^\/remote\.php\/dav\/uploads\/([^/?#]+)\/([^/?#]+)(?:\/([^/?#]*))?\/?(?:[?#]|$)/;

type Serve = (req: IncomingMessage, res: ServerResponse, cx: RequestContext, path: string) => Promise<void> | void;
/** `shown.x`: what a refusal is about, once that is known. */
type ServeDav = (x: Exchange, home: Bucket, path: string, shown: { x: Exchange | null }) => Promise<void>;

/**
 * What Nextcloud's clients ask of a server, as far as files are concerned: `/status.php`, `/ocs`, `/remote.php` and `/index.php`. The files are the user's
 * home bucket, by the same methods as under `/dav/` (docs/adr/0018-webdav-extensions-and-dialects.md).
 */
export function createNextcloudDoor(deps: NextcloudDeps): Door {
  const ids = createFileIds(deps);
  const surroundings: Surroundings = { ...surroundingsOf(deps), shown: ids.saw };
  const methodOf = createMethods();
  const searching = createSearching(deps);

  const serveOf = createRoutes<Serve>({
    status: answerStatus,
    alive: empty,
    ocs: serveOcs,
    login: page(async (req, res, cx, path) => {
      if (!(await serveLogin(req, res, cx, deps, path))) leadHome(req, res, cx, path);
    }),
    preview: page(async (req, res, cx, path) => {
      cx.op = 'preview';
      const { x, home } = await enter(req, res, cx);
      await servePreview(x, deps, ids, home, path);
    }),
    page: page(leadHome),
    files: dav(serveFiles),
    search: dav((x, home) => searching.serve(x, home)),
    bulk: dav((x, home) => serveBulk(x, deps, home)),
    uploads: dav(serveUploads),
    versions: dav(serveVersionsOf),
    trashbin: dav(serveTrash),
  });

  async function handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<void> {
    const path = pathOf(req);
    await serveOf(path)(req, res, cx, path);
  }

  /** Logging in, and pictures for the apps. */
  function page(serve: Serve): Serve {
    return async (req, res, cx, whole) => {
      cx.op = 'page';
      const path = whole.split(/[?#]/, 1)[0] ?? '';
      try {
        await serve(req, res, cx, path);
      } catch (error) {
        if (cx.signal.aborted) res.destroy();
        else answerError(req, res, cx, asClientsReadIt(error), path);
      }
    };
  }

  async function serveOcs(req: IncomingMessage, res: ServerResponse, cx: RequestContext, whole: string): Promise<void> {
    cx.op = 'OCS';
    const [, number, path = ''] = OCS.exec(whole) ?? [];
    const version = number === '1' ? 1 : 2;
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
      const { 'Retry-After': retryAfter } = faultHeaders(error);
      if (retryAfter !== undefined) res.setHeader('Retry-After', retryAfter);
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

  /** What is below `/remote.php`: whoever asks is known first, whatever is there. */
  function dav(serve: ServeDav): Serve {
    return async (req, res, cx, path) => {
      cx.op = methodOf(req.method ?? '') === null ? 'unknown' : (req.method ?? '');
      const shown: { x: Exchange | null } = { x: null };
      try {
        const { x, home } = await enter(req, res, cx);
        await serve(x, home, path, shown);
      } catch (error) {
        if (cx.signal.aborted) res.destroy();
        else {
          const { x } = shown;
          answerError(
            req,
            res,
            cx,
            asClientsReadIt(error),
            x === null ? path : lockedHref(x.mount, x.target, path, req.headers, error),
          );
        }
      }
    };
  }

  async function serveFiles(exchange: Exchange, home: Bucket, path: string, shown: { x: Exchange | null }): Promise<void> {
    const method = knownMethod(exchange);
    const files = filesPathOf(path, exchange.who.principal.name, home);
    if (files === null) throw nothingHere();
    const x = { ...exchange, mount: files.mount, target: targetOf(files.mount, files.path) };
    shown.x = x;
    if (x.req.method === 'REPORT') await searching.report(x, home);
    else await method(x);
  }

  async function serveUploads(x: Exchange, home: Bucket, path: string): Promise<void> {
    knownMethod(x);
    const upload = uploadPathOf(path, x.who.principal);
    if (upload === null) throw nothingHere();
    await serveUpload(x, deps, home, upload);
  }

  async function serveVersionsOf(x: Exchange, home: Bucket, path: string): Promise<void> {
    knownMethod(x);
    const version = versionPathOf(path, x.who.principal);
    if (version === null) throw nothingHere();
    await serveVersions(x, deps, ids, home, version);
  }

  async function serveTrash(x: Exchange, home: Bucket, path: string): Promise<void> {
    knownMethod(x);
    const trash = trashbinPathOf(path, x.who.principal, home.name);
    const target = trash === null ? null : targetOf(trash.mount, trash.path);
    if (trash === null || target?.kind !== 'place') throw nothingHere();
    await serveTrashbin({ ...x, mount: trash.mount, target }, deps, ids, home, target);
  }

  /** @throws DavError 405 */
  function knownMethod({ req }: Exchange): (x: Exchange) => Promise<void> {
    const method = methodOf(req.method ?? '');
    if (method === null) throw new DavError(405, 'The method is not known.', { headers: { Allow: ALLOW } });
    return method;
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

/** A client's "open in the browser". Apps ask for pictures of users too, and would take our page for one. */
function leadHome({ method }: IncomingMessage, res: ServerResponse, _cx: RequestContext, path: string): void {
  if ((method === 'GET' || method === 'HEAD') && !path.startsWith('/index.php/avatar/')) answer(res, 302, { Location: '/' });
  else answer(res, 404);
}

function nothingHere(): DavError {
  return new DavError(404, 'Nothing is here.');
}

/** How Android asks whether a captive portal is in the way. */
function empty(_req: IncomingMessage, res: ServerResponse, cx: RequestContext): void {
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
