import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket } from '#core/bucket';
import { documentOf } from './documents.ts';
import { S3Error } from './errors.ts';

/** As AWS names them; checked when the configuration was put. */
export interface CorsRule {
  ID?: string;
  AllowedMethods: string[];
  AllowedOrigins: string[];
  AllowedHeaders?: string[];
  ExposeHeaders?: string[];
  MaxAgeSeconds?: number;
}

export const CORS_METHODS: readonly string[] = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'];

/**
 * Answers a preflight (OPTIONS), which nobody signs.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
 * @throws BadRequest, AccessForbidden
 */
export function answerPreflight(req: IncomingMessage, res: ServerResponse, bucket: Bucket | null, isObject: boolean): void {
  const { origin } = req.headers;
  const method = req.headers['access-control-request-method'];
  const wanted = req.headers['access-control-request-headers'];
  if (origin === undefined) throw new S3Error('BadRequest', 'Insufficient information. Origin request header needed.');
  if (method === undefined || !CORS_METHODS.includes(method))
    throw new S3Error('BadRequest', `Invalid Access-Control-Request-Method: ${method ?? 'null'}`);
  const refuse = (why: string): S3Error =>
    new S3Error('AccessForbidden', `CORSResponse: ${why}`, { Method: method, ResourceType: isObject ? 'OBJECT' : 'BUCKET' });
  if (bucket === null) throw refuse('Bucket not found');
  const rules = rulesOf(bucket);
  if (rules === null) throw refuse('CORS is not enabled for this bucket.');
  const headers = (wanted ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const match = find(rules, origin, method, headers);
  if (match === null)
    throw refuse(
      "This CORS request is not allowed. This is usually because the evaluation of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.",
    );
  allow(res, origin, match);
  if (headers.length > 0) res.setHeader('Access-Control-Allow-Headers', headers.join(', '));
  res.writeHead(200, { 'content-length': '0' }).end();
}

/** What a browser needs to see on an answer, an error too. Nothing when no rule fits. */
export function allowOrigin(req: IncomingMessage, res: ServerResponse, bucket: Bucket | null): void {
  const { origin } = req.headers;
  const rules = bucket === null ? null : rulesOf(bucket);
  if (origin === undefined || rules === null) return;
  const match = find(rules, origin, req.method ?? '', []);
  if (match !== null) allow(res, origin, match);
}

interface Match {
  rule: CorsRule;
  /** The origin was let in by `*` alone, so no credentials are. */
  anybody: boolean;
}

/** The first rule that fits counts, alone. */
function find(rules: readonly CorsRule[], origin: string, method: string, headers: readonly string[]): Match | null {
  for (const rule of rules) {
    const allowed = rule.AllowedOrigins.find((pattern) => fits(pattern, origin));
    if (allowed === undefined || !rule.AllowedMethods.includes(method)) continue;
    const named = (rule.AllowedHeaders ?? []).map((pattern) => pattern.toLowerCase());
    if (headers.every((header) => named.some((pattern) => fits(pattern, header)))) return { rule, anybody: allowed === '*' };
  }
  return null;
}

/** With one `*` at most, which stands for any text. */
function fits(pattern: string, text: string): boolean {
  const star = pattern.indexOf('*');
  if (star < 0) return pattern === text;
  const [head, tail] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return text.length >= head.length + tail.length && text.startsWith(head) && text.endsWith(tail);
}

function allow(res: ServerResponse, origin: string, { rule, anybody }: Match): void {
  res.setHeader('Access-Control-Allow-Origin', anybody ? '*' : origin);
  res.setHeader('Access-Control-Allow-Methods', rule.AllowedMethods.join(', '));
  if (rule.ExposeHeaders !== undefined) res.setHeader('Access-Control-Expose-Headers', rule.ExposeHeaders.join(', '));
  if (rule.MaxAgeSeconds !== undefined) res.setHeader('Access-Control-Max-Age', String(rule.MaxAgeSeconds));
  if (!anybody) res.setHeader('Access-Control-Allow-Credentials', 'true');
  res.setHeader('Vary', 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method');
}

function rulesOf(bucket: Bucket): CorsRule[] | null {
  return documentOf<{ CORSRules: CorsRule[] }>(bucket, 'cors')?.CORSRules ?? null;
}
