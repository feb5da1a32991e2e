import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CloudStoreError, isCloudStoreError } from '#core/errors';
import type { Principal } from '#core/principal';
import { readBody } from '#http/body';
import type { RequestContext } from '#http/door';
import { type Language, languageOf } from '#http/language';
import { single } from '../request-headers.ts';
import { type NextcloudDeps, originOf } from './deps.ts';
import { donePage, endedPage, loginPage, sendPage, wordsIn } from './login-page.ts';

/** How long somebody may take to log in. */
const FLOW_MS = 20 * 60 * 1000;
const FORM_BYTES_MAX = 16_384;
const NAME_CHARS_MAX = 100;
const FLOW = /^\/index\.php\/login\/v2\/flow\/([A-Za-z0-9_-]{43})$/;
/** The browser inside an app comes here first, version 1 of the flow, and expects to be sent to `nc://`. */
const EMBEDDED = '/index.php/login/flow';

/** A log-in in a browser that a client waits for. What is kept of it tells nobody a secret: the app password is made when the client comes for it. */
interface Flow {
  /** SHA-256 of the token that the client asks with. */
  poll: string;
  client: string;
}

/**
 * How Nextcloud's clients log in without ever seeing a password: flow v2 (the client opens a page in the browser and polls), and v1 (a browser within the
 * app, which is sent to an address that the app catches). Either gives the client an app password, which its owner can take back alone.
 * @returns whether the path was one of these
 */
export async function serveLogin(
  req: IncomingMessage,
  res: ServerResponse,
  cx: RequestContext,
  deps: NextcloudDeps,
  path: string,
): Promise<boolean> {
  const flow = FLOW.exec(path)?.[1];
  const { method } = req;
  if (path === '/index.php/login/v2' && method === 'POST') await begin(req, res, cx, deps);
  else if (path === '/index.php/login/v2/poll' && method === 'POST') await poll(req, res, cx, deps);
  else if (flow !== undefined) await browse(req, res, cx, deps, flow);
  else if (path === EMBEDDED) await embedded(req, res, cx, deps);
  else return false;
  return true;
}

async function begin(req: IncomingMessage, res: ServerResponse, cx: RequestContext, deps: NextcloudDeps): Promise<void> {
  cx.op = 'LoginFlow';
  await deps.begun.attempt('login-flow', cx.remoteAddress);
  const [token, id] = [deps.random(32).toString('base64url'), deps.random(32).toString('base64url')];
  const flow: Flow = { poll: digestOf(token), client: clientOf(req) };
  await deps.cache.set(flowKey(id), Buffer.from(JSON.stringify(flow)), FLOW_MS);
  const origin = originOf(cx, deps.publicUrl);
  sendJson(res, 200, {
    poll: { token, endpoint: `${origin}/index.php/login/v2/poll` },
    login: `${origin}/index.php/login/v2/flow/${id}`,
  });
}

/** 404 until somebody has logged in; then once what the client needs from then on. */
async function poll(req: IncomingMessage, res: ServerResponse, cx: RequestContext, deps: NextcloudDeps): Promise<void> {
  cx.op = 'LoginFlow';
  const token = (await formOf(req)).get('token') ?? '';
  const key = grantKey(digestOf(token));
  const kept = token === '' ? null : await deps.cache.get(key);
  if (kept === null) return sendJson(res, 404, []);
  await deps.cache.remove(key);
  const granted: { principal: Principal; client: string } = JSON.parse(kept.toString());
  if (!(await deps.authenticator.stillValid(granted.principal))) return sendJson(res, 404, []);
  const appPassword = await makePassword(deps, cx, granted.principal, granted.client);
  sendJson(res, 200, { server: originOf(cx, deps.publicUrl), loginName: granted.principal.name, appPassword });
}

async function browse(
  req: IncomingMessage,
  res: ServerResponse,
  cx: RequestContext,
  deps: NextcloudDeps,
  id: string,
): Promise<void> {
  cx.op = 'LoginPage';
  const kept = await deps.cache.get(flowKey(id));
  if (kept === null) return sendPage(res, 404, endedPage(languageIn(req)));
  const flow: Flow = JSON.parse(kept.toString());
  const principal = await logIn(req, res, cx, deps, flow.client);
  if (principal === null) return;
  await deps.cache.remove(flowKey(id));
  await deps.cache.set(grantKey(flow.poll), Buffer.from(JSON.stringify({ principal, client: flow.client })), FLOW_MS);
  sendPage(res, 200, donePage(flow.client, languageIn(req)));
}

async function embedded(req: IncomingMessage, res: ServerResponse, cx: RequestContext, deps: NextcloudDeps): Promise<void> {
  cx.op = 'LoginPage';
  const client = clientOf(req);
  const principal = await logIn(req, res, cx, deps, client);
  if (principal === null) return;
  const password = await makePassword(deps, cx, principal, client);
  const location = `nc://login/server:${originOf(cx, deps.publicUrl)}&user:${encodeURIComponent(principal.name)}&password:${encodeURIComponent(password)}`;
  res
    .writeHead(303, { Location: location, 'Content-Length': 0, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' })
    .end();
}

/** The form, and what comes of it; null when an answer was sent, which is the form again. */
async function logIn(
  req: IncomingMessage,
  res: ServerResponse,
  cx: RequestContext,
  deps: NextcloudDeps,
  client: string,
): Promise<Principal | null> {
  const form = req.method === 'POST' ? await formOf(req) : null;
  const user = form?.get('user') ?? '';
  const language = languageIn(req);
  if (form === null) {
    sendPage(res, 200, loginPage({ client, user, problem: null, code: false }, language));
    return null;
  }
  try {
    return await userOf(deps, cx, user, form.get('password') ?? '', form.get('code')?.trim() || undefined, client);
  } catch (error) {
    const problem = problemOf(error, language);
    if (problem === null) throw error;
    sendPage(res, problem.status, loginPage({ client, user, problem: problem.text, code: problem.code }, language));
    return null;
  }
}

/** Who logged in, without the session that it made: what the client gets is its app password only. @throws as Authenticator.login, access_denied */
async function userOf(
  { authenticator }: NextcloudDeps,
  cx: RequestContext,
  user: string,
  password: string,
  code: string | undefined,
  client: string,
): Promise<Principal> {
  const { accessToken } = await authenticator.login(user, password, cx.remoteAddress, client, code);
  try {
    const { id, name, role, credential } = await authenticator.accessToken(accessToken);
    if (credential !== undefined && credential.kind !== 'session')
      throw new CloudStoreError('access_denied', 'Log in with your own password: an app password cannot make another one.');
    return { id, name, role };
  } finally {
    await authenticator.logout(accessToken);
  }
}

function problemOf(error: unknown, language: Language): { status: number; text: string; code: boolean } | null {
  if (!isCloudStoreError(error)) return null;
  const words = wordsIn(language);
  const { secondFactor, retryAfterSeconds } = error.details;
  if (error.code === 'unauthenticated' && secondFactor !== undefined) return { status: 401, text: words.codeNeeded, code: true };
  if (error.code === 'unauthenticated') return { status: 401, text: words.wrong, code: false };
  if (error.code === 'access_denied' || error.code === 'expired') return { status: 403, text: error.message, code: false };
  if (error.code !== 'rate_limited') return null;
  const seconds = typeof retryAfterSeconds === 'number' ? retryAfterSeconds : 60;
  return { status: 429, text: words.tooMany(Math.ceil(seconds / 60)), code: false };
}

function languageIn(req: IncomingMessage): Language {
  return languageOf(req.headers['accept-language']);
}

async function makePassword(deps: NextcloudDeps, cx: RequestContext, principal: Principal, name: string): Promise<string> {
  const who = { principal, protocol: 'webdav', requestId: cx.requestId, context: cx } as const;
  return (await deps.identity.credentials.create(who, { kind: 'app-password', name })).secret;
}

/** As it names itself: its owner finds it under this name among the app passwords. */
function clientOf(req: IncomingMessage): string {
  const agent = (single(req.headers['user-agent']) ?? '').replace(/[^\x20-\x7e]/g, '').trim();
  return agent.slice(0, NAME_CHARS_MAX) || 'Nextcloud client';
}

async function formOf(req: IncomingMessage): Promise<URLSearchParams> {
  return new URLSearchParams((await readBody(req, FORM_BYTES_MAX)).toString());
}

function sendJson(res: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value);
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
  });
  res.end(body);
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function flowKey(id: string): string {
  return `login-flow:${digestOf(id)}`;
}

function grantKey(poll: string): string {
  return `login-grant:${poll}`;
}
