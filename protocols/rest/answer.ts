import type { IncomingMessage, ServerResponse } from 'node:http';
import { abandonBody } from '#http/body';
import type { RequestContext } from '#http/door';
import { problemOf, problemType } from './problems.ts';

const COMMON = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };

/** A whole JSON answer at once. To HEAD it is the head only. */
export function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string | number> = {},
): void {
  sendBytes(res, status, Buffer.from(JSON.stringify(value)), headers);
}

/** JSON that is bytes already, as it is or in a coding that `headers` name. */
export function sendBytes(res: ServerResponse, status: number, bytes: Buffer, headers: Record<string, string | number>): void {
  res.writeHead(status, {
    ...COMMON,
    'Content-Type': 'application/json; charset=utf-8',
    ...headers,
    'Content-Length': bytes.length,
  });
  res.end(bytes);
}

export function sendNothing(res: ServerResponse, headers: Record<string, string> = {}): void {
  res.writeHead(204, { ...COMMON, ...headers }).end();
}

/**
 * Tells an error as an RFC 9457 problem. What nobody planned is logged under its request id and told as a bare 500. When the
 * head has gone the connection is cut: a torn answer must not look whole.
 */
export function answerProblem(req: IncomingMessage, res: ServerResponse, cx: RequestContext, error: unknown): void {
  const { status, title, code, detail, headers, details } = problemOf(error);
  if (status === 500) cx.log.error({ err: error, requestId: cx.requestId }, 'rest: request failed');
  if (res.headersSent) {
    res.destroy();
    return;
  }
  abandonBody(req, res);
  if (status === 304) {
    res.writeHead(304, headers).end();
    return;
  }
  const problem = { type: problemType(code), title, status, detail, code, requestId: cx.requestId, ...details };
  sendJson(res, status, problem, { ...headers, 'Content-Type': 'application/problem+json' });
}
