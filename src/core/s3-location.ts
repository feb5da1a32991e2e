import { CloudStoreError } from './errors.ts';

/** An S3-compatible store, as a URL names it. */
export interface S3Location {
  bucket: string;
  /** Empty, or ends in `/`. */
  prefix: string;
  /** null: AWS itself. */
  endpoint: string | null;
  /** null: what the environment says, else us-east-1. */
  region: string | null;
  /** null: what the environment says, as every AWS tool reads it. */
  credentials: { accessKeyId: string; secretAccessKey: string } | null;
}

const PARAMETERS = ['endpoint', 'region'];

/**
 * `s3://[ACCESSKEY:SECRET@]bucket[/prefix][?endpoint=https://…&region=…]`; key and secret are percent-encoded where they must be.
 * @throws invalid_argument: one sentence, without the secret
 */
export function parseS3Location(text: string): S3Location {
  const bad = (why: string): CloudStoreError =>
    new CloudStoreError(
      'invalid_argument',
      `The URL of the store ${why}; it looks like s3://bucket/prefix?endpoint=https://host.`,
    );
  if (!URL.canParse(text)) throw bad('cannot be read');
  const url = new URL(text);
  if (url.protocol !== 's3:') throw bad('must begin with s3://');
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(url.hostname) || url.port !== '') throw bad('names no bucket');
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.includes(name))
      throw bad(`has a parameter "${name}" that nobody knows (${PARAMETERS.join(' and ')} there are)`);
  }
  const endpoint = url.searchParams.get('endpoint');
  if (endpoint !== null && (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)))
    throw bad('has an endpoint that is no http:// or https:// URL');
  if ((url.username === '') !== (url.password === '')) throw bad('has half of an access key; give both parts, or none');
  const path = decode(url.pathname, bad).replace(/^\/+|\/+$/g, '');
  return {
    bucket: url.hostname,
    prefix: path === '' ? '' : `${path}/`,
    endpoint,
    region: url.searchParams.get('region'),
    credentials:
      url.username === '' ? null : { accessKeyId: decode(url.username, bad), secretAccessKey: decode(url.password, bad) },
  };
}

/** For people: without credentials. The same text names the same place. */
export function describeS3Location({ bucket, prefix, endpoint }: S3Location): string {
  return `s3://${bucket}/${prefix}${endpoint === null ? '' : ` at ${new URL(endpoint).origin}`}`;
}

function decode(text: string, bad: (why: string) => CloudStoreError): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad('has a % that encodes nothing');
  }
}
