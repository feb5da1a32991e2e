import { createHash } from 'node:crypto';
import type { RequestOptions, S3Answer, S3Client } from './client.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';

/** A document of a bucket: PUT, GET and DELETE of one subresource. */
export interface Documents {
  /** The element's inside, or a whole document when it begins with `<?` or `!`. */
  put(bucket: string, inner: string, options?: RequestOptions): Promise<S3Answer>;
  get(bucket: string, options?: RequestOptions): Promise<S3Answer>;
  remove(bucket: string): Promise<S3Answer>;
}

export function documentsOf(s3: S3Client, subresource: string, root: string): Documents {
  const query = { [subresource]: '' };
  return {
    put(bucket, inner, options = {}) {
      const body = inner.startsWith('<?')
        ? inner
        : inner.startsWith('!')
          ? inner.slice(1)
          : `<${root} xmlns="${NAMESPACE}">${inner}</${root}>`;
      const headers = { 'Content-MD5': createHash('md5').update(body).digest('base64'), ...options.headers };
      return s3.send('PUT', `/${bucket}`, { ...options, query, body, headers });
    },
    get: (bucket, options = {}) => s3.send('GET', `/${bucket}`, { ...options, query }),
    remove: (bucket) => s3.send('DELETE', `/${bucket}`, { query }),
  };
}
