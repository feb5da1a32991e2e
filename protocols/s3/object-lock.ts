import type { IncomingHttpHeaders } from 'node:http';
import type { Bucket } from '#core/bucket';
import { parseIsoTime } from '#core/iso-time';
import type { ObjectInfo } from '#core/object';
import type { ObjectLock, Retention, RetentionMode } from '#core/retention';
import { S3Error } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Output } from './response-writer.ts';

const MODES: ReadonlyMap<string, RetentionMode> = new Map([
  ['GOVERNANCE', 'governance'],
  ['COMPLIANCE', 'compliance'],
]);

export function modeName(mode: RetentionMode): string {
  return mode.toUpperCase();
}

export function modeOf(text: string | undefined): RetentionMode | undefined {
  return text === undefined ? undefined : MODES.get(text);
}

/**
 * What a writer's headers say of the version's retention and legal hold; nothing when they say nothing.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
 * @throws InvalidRequest where the bucket has no object lock, InvalidArgument
 */
export function lockOption(
  x: Exchange,
  bucket: Bucket,
  headers: IncomingHttpHeaders = x.req.headers,
): { lock?: Partial<ObjectLock> } {
  const take = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const mode = take('x-amz-object-lock-mode');
  const until = take('x-amz-object-lock-retain-until-date');
  const hold = take('x-amz-object-lock-legal-hold');
  if (mode === undefined && until === undefined && hold === undefined) return {};
  if (!bucket.objectLock) throw missingLock();
  const lock: Partial<ObjectLock> = {};
  if (mode !== undefined || until !== undefined) lock.retention = retentionOf(mode, until, x.deps.clock.now());
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF') {
    throw new S3Error('InvalidArgument', "Legal Hold must be either of 'ON' or 'OFF'", {
      ArgumentName: 'x-amz-object-lock-legal-hold',
    });
  }
  if (hold !== undefined) lock.legalHold = hold === 'ON';
  return { lock };
}

function retentionOf(mode: string | undefined, until: string | undefined, now: number): Retention {
  if (mode === undefined || until === undefined) {
    throw new S3Error('InvalidArgument', 'x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied');
  }
  const known = modeOf(mode);
  if (known === undefined)
    throw new S3Error('InvalidArgument', 'Unknown wormMode directive.', { ArgumentName: 'x-amz-object-lock-mode' });
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(until) ? parseIsoTime(until) : Number.NaN;
  if (Number.isNaN(at)) {
    throw new S3Error('InvalidArgument', 'The retain until date must be provided in ISO 8601 format', {
      ArgumentName: 'x-amz-object-lock-retain-until-date',
    });
  }
  assertAhead(at, now);
  return { mode: known, until: at };
}

export function assertAhead(until: number, now: number): void {
  if (until <= now) throw new S3Error('InvalidArgument', 'The retain until date must be in the future!');
}

/** AWS wants to know that what it may never let go of came whole. @throws InvalidRequest */
export function requireIntegrity(headers: IncomingHttpHeaders): void {
  const given =
    headers['content-md5'] ??
    headers['x-amz-trailer'] ??
    Object.keys(headers).find((name) => /^x-amz-checksum-(crc|sha|md5|xx)/.test(name));
  if (given !== undefined) return;
  throw new S3Error(
    'InvalidRequest',
    'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
  );
}

/** What GET and HEAD tell of it, to who may know. */
export async function lockMembers(x: Exchange, bucket: Bucket, info: ObjectInfo): Promise<Output> {
  if (!bucket.objectLock) return {};
  const { retention, legalHold } = await x.deps.history.shownLock(x.who, info);
  return {
    ...(retention ? { ObjectLockMode: modeName(retention.mode), ObjectLockRetainUntilDate: new Date(retention.until) } : {}),
    ...(legalHold === undefined ? {} : { ObjectLockLegalHoldStatus: legalHold ? 'ON' : 'OFF' }),
  };
}

export function missingLock(): S3Error {
  return new S3Error('InvalidRequest', 'Bucket is missing Object Lock Configuration');
}
