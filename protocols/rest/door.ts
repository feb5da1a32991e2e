import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Door, RequestContext } from '#http/door';
import { answerProblem } from './answer.ts';
import type { RestApp } from './app.ts';
import { authenticateNow } from './authenticate.ts';
import type { RestDeps } from './exchange.ts';
import { fileHeaders } from './file-headers.ts';
import { parsePlace } from './paths.ts';

export type { RestDeps } from './exchange.ts';

export const REST_ROOT = '/api/v1';
const FILES = `${REST_ROOT}/files/`;

/** A small cached file is answered without leaving the tick when nothing but these is asked of it. */
const UNUSUAL = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'range'] as const;

/** The native API at /api/v1. Routes and schemas are loaded by the first request that needs them: they cost 80 ms, which a start lacks. */
export function createRestDoor(deps: RestDeps): Door {
  let app: Promise<RestApp> | null = null;
  const loaded = (): Promise<RestApp> => (app ??= import('./app.ts').then(({ createRestApp }) => createRestApp(deps)));

  return {
    async handle(req, res, cx) {
      try {
        await (await loaded()).handle(req, res, cx);
      } catch (error) {
        answerProblem(req, res, cx, error);
      }
    },
    fast: (req, res, cx) => answerFile(deps, req, res, cx),
  };
}

function answerFile(deps: RestDeps, req: IncomingMessage, res: ServerResponse, cx: RequestContext): boolean {
  const url = req.url ?? '';
  if (req.method !== 'GET' || !url.startsWith(FILES) || url.includes('?')) return false;
  for (const header of UNUSUAL) if (req.headers[header] !== undefined) return false;
  try {
    const principal = authenticateNow(deps.authenticator, req.headers, cx);
    if (principal === null) return false;
    deps.authenticator.admit(principal, cx);
    const place = parsePlace(url.slice(FILES.length));
    if (place.key === '' || place.key.endsWith('/')) return false;
    const who = { principal, protocol: 'rest', requestId: cx.requestId, context: cx } as const;
    const bucket = deps.buckets.resolved(who, place.bucket);
    const read = bucket === null ? null : deps.namespace.peek(who, { bucket: bucket.id, key: place.key });
    if (read === null) return false;
    cx.op = 'GetFile';
    cx.user = principal.name;
    const own = { 'Content-Length': read.body.length, 'X-Request-Id': cx.requestId };
    res.writeHead(200, { ...fileHeaders(read.info), ...own }).end(read.body);
    return true;
  } catch (error) {
    // Nothing has been written: the full path meets the same error and answers it.
    cx.log.debug({ err: error }, 'rest: short path left');
    return false;
  }
}
