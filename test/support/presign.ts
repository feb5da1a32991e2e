import { createHash, createHmac } from 'node:crypto';

export interface SigningKeys {
  accessKeyId: string;
  secretAccessKey: string;
  /** Of temporary keys. */
  sessionToken?: string;
}

/**
 * A SigV4 query-signed URL, written apart from the gateway's own code so that the two check each other
 * (AWS: "Authenticating Requests: Using Query Parameters").
 * @param at the signing time; the product code takes a clock, a test says when
 */
export function presign(method: string, url: string, keys: SigningKeys, at: Date, expiresSeconds = 3600): string {
  const target = new URL(url);
  const stamp = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${stamp.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const query = new Map([...target.searchParams].map(([name, value]) => [encode(name), encode(value)]));
  query.set('X-Amz-Algorithm', 'AWS4-HMAC-SHA256');
  query.set('X-Amz-Credential', encode(`${keys.accessKeyId}/${scope}`));
  query.set('X-Amz-Date', stamp);
  query.set('X-Amz-Expires', String(expiresSeconds));
  query.set('X-Amz-SignedHeaders', 'host');
  if (keys.sessionToken !== undefined) query.set('X-Amz-Security-Token', encode(keys.sessionToken));
  const canonicalQuery = [...query]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const canonical = [method, target.pathname, canonicalQuery, `host:${target.host}\n`, 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', stamp, scope, createHash('sha256').update(canonical).digest('hex')].join('\n');
  const key = scope.split('/').reduce<Buffer | string>((secret, part) => hmac(secret, part), `AWS4${keys.secretAccessKey}`);
  const signature = hmac(key, toSign).toString('hex');
  return `${target.origin}${target.pathname}?${canonicalQuery}&X-Amz-Signature=${signature}`;
}

/** The same by version 2, as boto3 and s3cmd make it: https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html */
export function presignV2(method: string, url: string, keys: SigningKeys, at: Date, expiresSeconds = 3600): string {
  const { pathname } = new URL(url);
  const expires = Math.floor(at.getTime() / 1000) + expiresSeconds;
  const text = `${method}\n\n\n${expires}\n${pathname}`;
  const signature = createHmac('sha1', keys.secretAccessKey).update(text).digest('base64');
  return `${url}?AWSAccessKeyId=${keys.accessKeyId}&Expires=${expires}&Signature=${encode(signature)}`;
}

function hmac(key: Buffer | string, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
