import type { IncomingMessage } from 'node:http';
import { assertKey } from '#core/address';
import { S3Error } from './errors.ts';
import { decodePath, parseQuery, type Query, splitTarget } from './uri.ts';

/** What a request is about. `path` is raw, as it is signed; bucket and key are null where the request names none. */
export interface Target {
  path: string;
  query: Query;
  bucket: string | null;
  key: string | null;
}

/**
 * Path style `/bucket/key`, or virtual-host style `bucket.domain/key` when `domain` is set and the Host ends in it.
 * @throws InvalidURI, KeyTooLongError; invalid_key
 */
export function parseTarget(req: IncomingMessage, domain: string | undefined): Target {
  const { path, query } = splitTarget(req.url ?? '/');
  const host = domain === undefined ? null : hostedBucket(req.headers.host, domain);
  const slash = path.indexOf('/', 1);
  const bucketText = host ?? decodePath(slash < 0 ? path.slice(1) : path.slice(1, slash));
  const keyText = host !== null ? path.slice(1) : slash < 0 ? '' : path.slice(slash + 1);
  const key = keyText === '' ? null : decodePath(keyText);
  if (key !== null) assertKey(key);
  if (bucketText.includes('\0')) throw new S3Error('InvalidURI');
  return { path, query: parseQuery(query), bucket: bucketText === '' ? null : bucketText, key };
}

function hostedBucket(host: string | undefined, domain: string): string | null {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  const suffix = `.${domain.toLowerCase()}`;
  return name.endsWith(suffix) ? name.slice(0, -suffix.length) : null;
}
