import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Bucket } from '#core/bucket';
import type { RequestContext } from '#http/door';
import type { LoggedRequest } from './access-log.ts';
import { encodeUri, splitTarget } from './uri.ts';

export interface LineFacts {
  req: IncomingMessage;
  res: ServerResponse;
  cx: RequestContext;
  entry: LoggedRequest;
  bucket: Bucket;
  endedMs: number;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const TEXT_CHARS_MAX = 1024;

/** What a request's subresource is called in the log, where it is not its name in capitals. */
const RESOURCES: Record<string, string> = {
  policy: 'BUCKETPOLICY',
  versions: 'BUCKETVERSIONS',
  publicAccessBlock: 'PUBLIC_ACCESS_BLOCK',
  ownershipControls: 'OWNERSHIP_CONTROLS',
  'object-lock': 'OBJECT_LOCK_CONFIGURATION',
  'legal-hold': 'LEGAL_HOLD',
  requestPayment: 'REQUEST_PAYMENT',
  policyStatus: 'POLICY_STATUS',
  delete: 'MULTI_OBJECT_DELETE',
};

/** One line, field by field: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html */
export function logLine({ req, res, cx, entry, bucket, endedMs }: LineFacts): string {
  const head = headOf(res);
  const size = objectSize(req, head);
  const bodyBytes = Math.max(0, (req.socket?.bytesWritten ?? 0) - entry.sent - head.bytes);
  const spent = Math.max(0, endedMs - entry.at);
  const tls = cipherOf(req);
  const fields = [
    canonicalId(bucket.owner),
    bucket.name,
    `[${timeOf(entry.at)}]`,
    cx.remoteAddress,
    entry.requester === null ? '-' : canonicalId(entry.requester),
    cx.requestId,
    operationOf(cx.op, req, entry),
    entry.key === null ? '-' : encodeUri(entry.key, true),
    quoted(`${req.method} ${withoutSecrets(req.url ?? '')} HTTP/${req.httpVersion}`),
    res.writableFinished ? String(res.statusCode) : '-',
    entry.code ?? '-',
    bodyBytes === 0 ? '-' : String(bodyBytes),
    size ?? '-',
    String(spent),
    String(spent),
    quoted(withoutSecrets(req.headers.referer ?? '-')),
    quoted(req.headers['user-agent'] ?? '-'),
    head.get('x-amz-version-id') ?? '-',
    cx.requestId,
    entry.signed === null ? '-' : req.headers.authorization?.startsWith('AWS ') || isUrlOfV2(req) ? 'SigV2' : 'SigV4',
    tls?.cipher ?? '-',
    entry.signed ?? '-',
    quotedOnce(req.headers.host ?? '-'),
    tls?.version ?? '-',
    '-',
    '-',
  ];
  return `${fields.join(' ')}\n`;
}

function isUrlOfV2({ url = '', headers }: IncomingMessage): boolean {
  return headers.authorization === undefined && /[?&]AWSAccessKeyId=/.test(url);
}

/** node keeps the head that it wrote in `_header`; nothing public tells it. */
function headOf(res: ServerResponse): { bytes: number; get(name: string): string | undefined } {
  const text = (res as ServerResponse & { _header?: string | null })._header ?? '';
  return { bytes: text.length, get: (name) => new RegExp(`^${name}: (.*)$`, 'im').exec(text)?.[1]?.trim() };
}

function objectSize({ method, headers }: IncomingMessage, head: ReturnType<typeof headOf>): string | undefined {
  if (method === 'PUT') return String(headers['x-amz-decoded-content-length'] ?? headers['content-length'] ?? '-');
  if (head.get('etag') === undefined) return undefined;
  return head.get('content-range')?.split('/')[1] ?? head.get('content-length');
}

function operationOf(op: string, req: IncomingMessage, entry: LoggedRequest): string {
  if (op === 'Website') return `WEBSITE.${req.method}.OBJECT`;
  if (op === 'CopyObject') return 'REST.COPY.OBJECT';
  if (op === 'UploadPartCopy') return 'REST.COPY.PART';
  const names = splitTarget(req.url ?? '')
    .query.split('&')
    .map((pair) => pair.split('=')[0] ?? '');
  if (names.includes('uploadId')) return `REST.${req.method}.${names.includes('partNumber') ? 'PART' : 'UPLOAD'}`;
  const subresource = names.find((name) => /^(acl|[a-z]+-?[a-zA-Z]*)$/.test(name) && SUBRESOURCES.has(name));
  const level = entry.key === null ? 'BUCKET' : 'OBJECT';
  if (subresource === undefined) return `REST.${req.method}.${req.method === 'OPTIONS' ? 'PREFLIGHT' : level}`;
  const resource = RESOURCES[subresource] ?? subresource.toUpperCase();
  return `REST.${req.method}.${level === 'OBJECT' && subresource !== 'uploads' ? `OBJECT_${resource}` : resource}`;
}

const SUBRESOURCES: ReadonlySet<string> = new Set([
  ...Object.keys(RESOURCES),
  'acl',
  'cors',
  'encryption',
  'lifecycle',
  'location',
  'logging',
  'notification',
  'replication',
  'retention',
  'tagging',
  'torrent',
  'uploads',
  'versioning',
  'website',
]);

function cipherOf({ socket }: IncomingMessage): { cipher: string; version: string } | null {
  // Only a TLS socket has them.
  const secure = socket as typeof socket & { getCipher?(): { standardName: string } | undefined; getProtocol?(): string | null };
  const cipher = secure.getCipher?.()?.standardName;
  return cipher === undefined ? null : { cipher, version: secure.getProtocol?.() ?? '-' };
}

/** 06/Feb/2026:00:00:38 +0000 */
function timeOf(ms: number): string {
  const iso = new Date(ms).toISOString();
  return `${iso.slice(8, 10)}/${MONTHS[Number(iso.slice(5, 7)) - 1]}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
}

/** Whoever may read the log could use a presigned URL until it ends. */
function withoutSecrets(url: string): string {
  return url.replace(/([?&](?:Signature|X-Amz-Signature|X-Amz-Security-Token)=)[^&]*/gi, '$1*');
}

/** What a client wrote must not end the field, or the line. */
function quoted(text: string): string {
  return `"${text.slice(0, TEXT_CHARS_MAX).replace(/[\x00-\x1f"\\\x7f-\uffff]/g, (char) => encodeURIComponent(char.toWellFormed()))}"`;
}

function quotedOnce(text: string): string {
  return text.slice(0, TEXT_CHARS_MAX).replace(/[^\x21-\x7e]/g, '');
}

function canonicalId(principal: number): string {
  return principal.toString(16).padStart(64, '0');
}
