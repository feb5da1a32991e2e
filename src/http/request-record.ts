import type { TraceEntry } from '#contracts/trace';
import { type Exchange, loggablePath } from './exchange.ts';

/** A request as admins see it live; only made while one looks. @param hosted the bucket that its host name stands for */
export function traced(
  at: number,
  exchange: Exchange,
  door: string,
  status: number,
  seconds: number,
  receivedBytes: number,
  sentBytes: number,
  hosted: string | null,
): TraceEntry {
  const { req, requestId, op, user } = exchange;
  const path = loggablePath(req.url);
  const bucket = hosted ?? bucketIn(door, path);
  const { credential } = exchange.principal ?? {};
  const own = credential === undefined || credential.kind === 'session' || credential.kind === 'password';
  const device = own ? null : `${credential.kind}:${credential.id}`;
  const deviceName = own ? null : (credential.name ?? null);
  const who = { user: user ?? null, device, deviceName, address: exchange.remoteAddress };
  return {
    at,
    requestId,
    door,
    operation: op || 'other',
    method: req.method ?? '',
    path,
    bucket,
    status,
    seconds,
    receivedBytes,
    sentBytes,
    ...who,
  };
}

/** What in the API's paths stands before a bucket; behind everything else stands something else. */
const BEFORE_BUCKETS = new Set(['files', 'stat', 'checksum', 'thumbnails', 'versions', 'trash', 'buckets', 'access']);
const VERBS = new Set(['access/explain', 'versions/restore', 'trash/restore', 'trash/purge']);

/** Where a bucket stands in the paths of each door. */
function bucketIn(door: string, path: string): string | null {
  const at = { s3: 1, webdav: 2, rest: 4 }[door];
  const segments = path.split('/');
  const segment = at === undefined ? undefined : segments[at];
  if (segment === undefined || segment === '') return null;
  if (door === 'rest' && (!BEFORE_BUCKETS.has(segments[3] ?? '') || VERBS.has(segments.slice(3).join('/')))) return null;
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // as it came
  }
}

/** A line of the log: faults and refusals are worth one at the default level; the rest is for debugging. */
export function logAccess(
  exchange: Exchange,
  protocol: string,
  status: number,
  seconds: number,
  bytesIn: number,
  bytesOut: number,
): void {
  const level = status >= 500 ? 'warn' : status === 401 || status === 403 || status === 429 ? 'info' : 'debug';
  if (exchange.baseLog.isLevelEnabled?.(level) === false) return;
  const { req, op, user } = exchange;
  exchange.baseLog[level](
    {
      requestId: exchange.requestId,
      protocol,
      op,
      user,
      method: req.method,
      path: loggablePath(req.url),
      status,
      ms: Math.round(seconds * 1000),
      bytesIn,
      bytesOut,
      remoteAddress: level === 'debug' ? undefined : exchange.remoteAddress,
    },
    'request',
  );
}
