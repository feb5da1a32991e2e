import type { IncomingMessage, ServerResponse } from 'node:http';
import { escapeXml } from '#http/xml';

/** What a call to the Open Collaboration Services answers, whichever version it was made in. */
export interface OcsResult {
  /** HTTP's; 401 and 404 are told in the envelope too. */
  status: number;
  message?: string;
  data: unknown;
}

export type OcsVersion = 1 | 2;

/** Version 1 says 100 where 2 says 200, and tells failures in the envelope only; both want 401 as the status. */
export function answerOcs(req: IncomingMessage, res: ServerResponse, version: OcsVersion, result: OcsResult): void {
  const failed = result.status >= 400;
  const statuscode = result.status === 401 ? 997 : failed ? result.status : version === 1 ? 100 : 200;
  const meta = {
    status: failed ? 'failure' : 'ok',
    statuscode,
    message: result.message ?? (failed ? '' : 'OK'),
    ...(version === 1 ? { totalitems: '', itemsperpage: '' } : {}),
  };
  const envelope = { meta, data: result.data };
  const json = wantsJson(req);
  const body = json ? JSON.stringify({ ocs: envelope }) : `<?xml version="1.0"?>\n<ocs>${xmlOf(envelope)}</ocs>\n`;
  const bytes = Buffer.from(body);
  const status = version === 1 && failed && result.status !== 401 ? 200 : result.status;
  res.writeHead(status, {
    'Content-Type': `application/${json ? 'json' : 'xml'}; charset=utf-8`,
    'Content-Length': bytes.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...(status === 401 ? { 'WWW-Authenticate': 'Basic realm="CloudStore", charset="UTF-8"' } : {}),
  });
  res.end(bytes);
}

function wantsJson(req: IncomingMessage): boolean {
  const format = new URL(req.url ?? '/', 'http://localhost').searchParams.get('format');
  return format === null ? /\bapplication\/json\b/.test(req.headers.accept ?? '') : format === 'json';
}

/** Members of lists are `element`s; true is 1 and false is nothing, as PHP writes them. */
function xmlOf(value: unknown): string {
  if (value === null || value === undefined || value === false) return '';
  if (value === true) return '1';
  if (Array.isArray(value)) return value.map((one) => `<element>${xmlOf(one)}</element>`).join('');
  if (typeof value === 'object') {
    return Object.entries(value)
      .map(([name, inside]) => `<${name}>${xmlOf(inside)}</${name}>`)
      .join('');
  }
  return escapeXml(String(value));
}
