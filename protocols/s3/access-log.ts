import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Buckets } from '#contracts/buckets';
import type { Namespace } from '#contracts/namespace';
import type { Logger } from '#contracts/observability';
import type { Bucket } from '#core/bucket';
import type { Clock, Random } from '#core/clock';
import type { PrincipalId } from '#core/principal';
import { bytesOf } from '#core/stream';
import type { RequestContext } from '#http/door';
import { logLine } from './access-log-line.ts';
import { documentOf } from './documents.ts';

/** As `config.logging` keeps it. */
export interface LoggingDocument {
  TargetBucket: string;
  TargetPrefix: string;
  TargetObjectKeyFormat?: { SimplePrefix?: object; PartitionedPrefix?: { PartitionDateSource?: string } };
}

/** What is known of a request when it ends, beside what its answer's head says. */
export interface LoggedRequest {
  /** ms since the epoch */
  at: number;
  /** Bytes that its connection had sent before. */
  sent: number;
  requester: PrincipalId | null;
  /** S3's code of the error, when it ended with one. */
  code: string | null;
  bucket: string | null;
  key: string | null;
  /** The request was signed in its header, its query, or not at all. */
  signed: 'AuthHeader' | 'QueryString' | null;
}

export interface AccessLog {
  begin(req: IncomingMessage, bucket: string | null): LoggedRequest;
  /** The door is done with it. `bucket`: as it is in memory, or null where it is not known yet. */
  end(entry: LoggedRequest, res: ServerResponse, cx: RequestContext, bucket: Bucket | null): void;
  /** Writes what it has. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export interface AccessLogOptions {
  namespace: Namespace;
  buckets: Buckets;
  clock: Clock;
  random: Random;
  log: Logger;
  region: string;
  /** How long lines wait to be written together. Default 60,000. */
  everyMs?: number;
  /** When they wait no longer. Default 256 KiB; sixteen times as much is all that is ever kept. */
  batchBytes?: number;
}

interface Batch {
  bucket: Bucket;
  lines: string[];
  bytes: number;
  firstMs: number;
}

/**
 * S3's server access log: lines are gathered in memory and written to the target bucket, some at a time. Best effort, as AWS says of its own: a crash
 * loses what was not written yet, and so does a target that takes nothing for long.
 */
export function createAccessLog(options: AccessLogOptions): AccessLog {
  const { namespace, buckets, clock, random, log, region, everyMs = 60_000, batchBytes = 256 * 1024 } = options;
  const batches = new Map<number, Batch>();
  /** Requests that have ended and are not in a batch yet. */
  const ending = new Set<Promise<void>>();
  let writing: Promise<void> = Promise.resolve();
  let dropped = 0;

  function add(bucket: Bucket, line: string): void {
    const batch = batches.get(bucket.id) ?? { bucket, lines: [], bytes: 0, firstMs: clock.now() };
    batches.set(bucket.id, batch);
    if (batch.bytes >= batchBytes * 16) {
      dropped++;
      return;
    }
    batch.bucket = bucket;
    batch.lines.push(line);
    batch.bytes += line.length;
    if (batch.bytes >= batchBytes && batch.bytes - line.length < batchBytes) void flush();
  }

  async function write(batch: Batch): Promise<void> {
    const { bucket } = batch;
    const settings = documentOf<LoggingDocument>(bucket, 'logging');
    if (settings === null) return;
    const target = await buckets.named(settings.TargetBucket);
    if (target === null || target.owner !== bucket.owner) {
      log.warn({ bucket: bucket.name, target: settings.TargetBucket }, 's3: access logs have no target');
      return;
    }
    const body = Buffer.from(batch.lines.join(''));
    const key = logKey(settings, bucket, {
      at: clock.now(),
      eventAt: batch.firstMs,
      region,
      unique: random(8).toString('hex').toUpperCase(),
    });
    const principal = { id: target.owner, name: 'log-delivery', role: 'member' as const };
    await namespace.put({ principal, protocol: 'system', requestId: 'access-log' }, { bucket: target.id, key }, bytesOf(body), {
      size: body.length,
      attributes: { contentType: 'text/plain' },
      etag: 'md5',
    });
  }

  function flush(): Promise<void> {
    writing = writing.then(async () => {
      if (dropped > 0) log.warn({ lines: dropped }, 's3: access log lines were dropped');
      dropped = 0;
      for (const [id, batch] of [...batches]) {
        batches.delete(id);
        try {
          await write(batch);
        } catch (err) {
          log.warn({ err, bucket: batch.bucket.name }, 's3: an access log cannot be written yet');
          keep(id, batch);
        }
      }
    });
    return writing;
  }

  /** Before what has come meanwhile. */
  function keep(id: number, batch: Batch): void {
    const since = batches.get(id);
    if (since !== undefined) {
      batch.lines.push(...since.lines);
      batch.bytes += since.bytes;
    }
    batches.set(id, batch);
  }

  const timer = setInterval(() => void flush(), everyMs);
  timer.unref();

  return {
    begin: (req, bucket) => ({
      at: clock.now(),
      sent: req.socket.bytesWritten,
      requester: null,
      code: null,
      bucket,
      key: null,
      signed: null,
    }),
    end(entry, res, cx, bucket) {
      // What nobody logs costs no more than this.
      if (entry.bucket === null || (bucket !== null && bucket.config.logging === undefined)) return;
      const name = entry.bucket;
      const gone = (): void => {
        const facts = { req: res.req, res, cx, entry, endedMs: clock.now() };
        const added = buckets
          .named(name)
          .then((found) => {
            if (found?.config.logging !== undefined) add(found, logLine({ ...facts, bucket: found }));
          })
          .catch((err: unknown) => log.debug({ err }, 's3: a request was not logged'))
          .finally(() => ending.delete(added));
        ending.add(added);
      };
      if (res.closed) gone();
      else res.once('close', gone);
    },
    flush,
    async close() {
      clearInterval(timer);
      await Promise.all(ending);
      await flush();
    },
  };
}

function logKey(
  { TargetPrefix, TargetObjectKeyFormat }: LoggingDocument,
  bucket: Bucket,
  { at, eventAt, region, unique }: { at: number; eventAt: number; region: string; unique: string },
): string {
  const partitioned = TargetObjectKeyFormat?.PartitionedPrefix;
  const stamp = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace(/[T:]/g, '-');
  if (partitioned === undefined) return `${TargetPrefix}${stamp(at)}-${unique}`;
  const byEvent = partitioned.PartitionDateSource === 'EventTime';
  const day = stamp(byEvent ? eventAt : at).slice(0, 10);
  const account = String(bucket.owner).padStart(12, '0');
  // By event time AWS's names hold the day alone.
  const time = byEvent ? `${day}-00-00-00` : stamp(at);
  return `${TargetPrefix}${account}/${region}/${bucket.name}/${day.replace(/-/g, '/')}/${time}-${unique}`;
}
