import type { IncomingMessage, ServerResponse } from 'node:http';
import Router from '@koa/router';
import Koa, { type Context, type Next } from 'koa';
import type { z } from 'zod';
import { type Action, assertDeclared, definitionOf } from '#core/actions';
import { CloudStoreError } from '#core/errors';
import { allowBody, readBody } from '#http/body';
import type { RequestContext } from '#http/door';
import { answerProblem, sendJson, sendNothing } from './answer.ts';
import { authenticate } from './authenticate.ts';
import { withCookie } from './cookies.ts';
import type { Exchange, RestDeps } from './exchange.ts';
import { once } from './idempotency.ts';
import { parseQuery, splitTarget } from './paths.ts';
import { RestError } from './problems.ts';
import { type Route, takesKey } from './route.ts';
import { DOCUMENT_PATH, ROUTES } from './routes.ts';
import { changeState, tellState } from './state.ts';

export interface RestApp {
  handle(req: IncomingMessage, res: ServerResponse, cx: RequestContext): Promise<void>;
  /** `METHOD /path` of everything that is routed, in the router's own style. */
  routed(): string[];
}

const ROOT = '/api/v1';
const JSON_BYTES_MAX = 1 << 20;

/**
 * The API as a Koa app whose router is made of ROUTES. Handlers write to node's own answer: bodies of files stream past Koa, and
 * an error has one way out.
 */
export function createRestApp(deps: RestDeps): RestApp {
  const contexts = new WeakMap<IncomingMessage, RequestContext>();
  const contextOf = (req: IncomingMessage): RequestContext => {
    const cx = contexts.get(req);
    if (cx === undefined) throw new Error('A request that this app never began.');
    return cx;
  };
  const router = new Router({ prefix: ROOT, strict: true, sensitive: true });
  for (const route of ROUTES) {
    assertActions(route);
    router.register(routerPath(route.path), [route.method], (ctx: Context) => run(deps, route, ctx, contextOf(ctx.req)));
  }
  const document = lazily(async () => {
    const { openApiDocument } = await import('./document.ts');
    return openApiDocument(ROUTES, deps.version ?? '');
  });
  router.get(DOCUMENT_PATH, async (ctx: Context) => {
    contextOf(ctx.req).op = 'OpenApi';
    sendJson(ctx.res, 200, await document());
  });

  const app = new Koa();
  app.use(async (ctx, next) => {
    ctx.respond = false;
    ctx.res.statusCode = 200; // Koa began with 404
    const cx = contextOf(ctx.req);
    try {
      await next();
    } catch (error) {
      // Nobody is there to be told, and what broke is only that.
      if (cx.signal.aborted) ctx.res.destroy();
      else answerProblem(ctx.req, ctx.res, cx, error);
    }
  });
  app.use(router.routes());
  app.use(refuseUnrouted);
  const callback = app.callback();

  return {
    async handle(req, res, cx) {
      contexts.set(req, cx);
      await callback(req, res);
    },
    routed: () => router.stack.flatMap(({ methods, path }) => methods.map((method) => `${method} ${String(path)}`)),
  };
}

/** OpenAPI's `{name}` as the router writes it; `{key}` is the rest of the path, or nothing. */
export function routerPath(path: string): string {
  return path.replace('/{key}', '{/{*key}}').replace(/\/\{(\w+)\}/g, '/:$1');
}

/** @throws for a route without a declaration */
export function assertActions({ operation, actions }: Pick<Route, 'operation' | 'actions'>): void {
  assertDeclared('route', [operation], { [operation]: actions });
}

async function run(deps: RestDeps, route: Route, ctx: Context, cx: RequestContext): Promise<void> {
  const { req, res } = ctx;
  cx.op = route.operation;
  const target = splitTarget(req.url ?? '');
  const x: Exchange = {
    deps,
    req,
    res,
    cx,
    who: { principal: null, protocol: 'rest', requestId: cx.requestId, context: cx },
    token: null,
    path: target.path.slice(ROOT.length),
  };
  if (route.open !== true) {
    const { principal, token } = await authenticate(deps.authenticator, withCookie(req), cx.remoteAddress);
    cx.user = principal.name;
    deps.authenticator.admit(principal, cx);
    x.who = { ...x.who, principal };
    x.token = token;
    for (const action of serviceActions(route)) await deps.authorizer.require(x.who, action, null);
  }
  const query = checked(route.query, parseQuery(target.query), 'query');
  const body = route.body === undefined ? undefined : checked(route.body, await readJson(x), 'body');
  const handle = stately(x, route, () => route.handle(x, { query: query as never, body: body as never }));
  const key = req.headers['idempotency-key'];
  if (typeof key !== 'string' || !takesKey(route)) return handle();
  await once(x, key, body, handle);
}

/** With what a route says of the state that it tells or changes. */
function stately(x: Exchange, { state, changes, answers }: Route, handle: () => Promise<void>): () => Promise<void> {
  if (state !== undefined) return () => tellState(x, state, handle);
  if (typeof changes !== 'string') return handle;
  const reading = ROUTES.find(({ operation }) => operation === changes);
  if (reading === undefined) throw new Error(`There is no operation ${changes}.`);
  const shape = reading.answers[200]?.schema;
  return () => changeState(x, reading, shape !== undefined && answers[200]?.schema === shape, handle);
}

function serviceActions({ actions }: Route): readonly Action[] {
  return 'none' in actions ? [] : actions.filter((action) => definitionOf(action).on === 'service');
}

/** @throws invalid_argument (details.fields): a route without a query takes none */
function checked(schema: z.ZodType | undefined, value: unknown, what: string): unknown {
  if (schema === undefined) {
    if (Object.keys(value as object).length === 0) return {};
    throw new CloudStoreError('invalid_argument', `This route takes no ${what}.`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = result.error.issues.map(({ path, message }) => ({ field: path.join('.'), message })).slice(0, 20);
  throw new CloudStoreError('invalid_argument', `The ${what} is not what this route takes.`, { details: { fields } });
}

/** @throws unsupported_media_type, too_large, invalid_argument */
async function readJson({ req, res }: Exchange): Promise<unknown> {
  const type = req.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new RestError('unsupported_media_type', 'The body must be application/json.');
  }
  allowBody(req, res);
  const body = await readBody(req, JSON_BYTES_MAX);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new CloudStoreError('invalid_argument', 'The body is not JSON.', { cause });
  }
}

/** OPTIONS tells the methods and, on purpose, no CORS headers: other origins' pages stay out. */
async function refuseUnrouted(ctx: Context, _next: Next): Promise<void> {
  const layers: { methods: string[] }[] = ctx.matched ?? [];
  const methods = [...new Set(layers.flatMap((layer) => layer.methods))];
  if (methods.length === 0) throw new RestError('no_such_route', 'Nothing is here.');
  const headers = { Allow: [...methods, 'OPTIONS'].join(', ') };
  if (ctx.method === 'OPTIONS') return sendNothing(ctx.res, headers);
  throw new RestError('method_not_allowed', `${ctx.method} is not possible here.`, { headers });
}

function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => (made ??= make());
}
