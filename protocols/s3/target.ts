import type { IncomingMessage } from 'node:http';
import { assertKey } from '#core/address';
import { S3Error } from './errors.ts';
import { decodePath, encodeUri, parseQuery, type Query, splitTarget } from './uri.ts';

/** What a request is about. `path` is raw, as it is signed; bucket and key are null where the request names none. */
export interface Target {
  path: string;
  query: Query;
  bucket: string | null;
  key: string | null;
  /** The bucket stands in the host. */
  hosted: boolean;
}

/** The bucket that a Host names, or null: path style. */
export type HostedBucket = (host: string | undefined) => string | null;

/** What browsers and SDKs resolve to this machine by themselves: `bucket.localhost`, as an SDK makes it of an endpoint `localhost`. */
const LOCAL = ['s3.localhost', 'localhost'];
/** As AWS calls its website endpoints; browsers resolve it to this machine. */
const LOCAL_SITES = 's3-website.localhost';
/** A label that cannot be a bucket belongs to the endpoint's own name (`s3.localhost`). */
const BUCKET_CHARS_MIN = 3;

/** Virtual-host style under `domain`, where there is one, and under localhost. Clients keep one Host, so the last answer is kept. */
export function createHostedBucket(domain: string | null | undefined): HostedBucket {
  return byHost([...(domain ? [domain] : []), ...LOCAL]);
}

/** The bucket whose website a Host names, under `domain`, where there is one, and under s3-website.localhost. */
export function createHostedSite(domain: string | null | undefined): HostedBucket {
  return byHost([...(domain ? [domain] : []), LOCAL_SITES]);
}

function byHost(domains: readonly string[]): HostedBucket {
  const suffixes = domains.map((one) => `.${one.toLowerCase()}`);
  let last: string | undefined;
  let answer: string | null = null;
  return (host) => {
    if (host === last || host === undefined) return host === undefined ? null : answer;
    last = host;
    const name = host.replace(/:\d+$/, '').toLowerCase();
    const suffix = suffixes.find((one) => name.endsWith(one) || `.${name}` === one);
    const label = suffix === undefined ? '' : name.slice(0, -suffix.length);
    answer = label.length < BUCKET_CHARS_MIN ? null : label;
    return answer;
  };
}

/**
 * Path style `/bucket/key`, or virtual-host style `bucket.domain/key` where the Host names a bucket.
 * @throws InvalidURI, InvalidBucketName, KeyTooLongError; invalid_key
 */
export function parseTarget(req: IncomingMessage, hostedBucket: HostedBucket): Target {
  const { path, query } = splitTarget(req.url ?? '/');
  const host = hostedBucket(req.headers.host);
  const slash = path.indexOf('/', 1);
  const bucketText = host ?? decodePath(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const keyText = host !== null ? path.slice(1) : slash < 0 ? '' : path.slice(slash + 1);
  // `//key` names no bucket, and so is not the list of all.
  if (bucketText === '' && path.length > 1) throw new S3Error('InvalidBucketName', undefined, { BucketName: '' });
  const key = keyText === '' ? null : decodePath(keyText);
  if (key !== null) assertKey(key);
  if (bucketText.includes('\0')) throw new S3Error('InvalidURI');
  return { path, query: parseQuery(query), bucket: bucketText === '' ? null : bucketText, key, hosted: host !== null };
}

/** Where an object is found, in the style of the request that made it. */
export function locationOf({ req, cx, target }: Located, bucket: string, key: string): string {
  const origin = `${cx.secure ? 'https' : 'http'}://${req.headers.host ?? 'localhost'}`;
  return `${origin}/${target.hosted ? '' : `${encodeUri(bucket)}/`}${encodeUri(key, true)}`;
}

interface Located {
  req: IncomingMessage;
  cx: { secure: boolean };
  target: Target;
}
