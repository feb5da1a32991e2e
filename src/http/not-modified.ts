import { isCloudStoreError } from '#core/errors';
import { httpDate } from './conditional-headers.ts';

/**
 * What a 304 says of a file: what its 200 would, of which caches live (RFC 9110 §15.4.5). Nothing for another error.
 * @param cacheControl what the door says where the file says nothing
 */
export function notModifiedHeaders(error: unknown, { cacheControl }: { cacheControl?: string } = {}): Record<string, string> {
  if (!isCloudStoreError(error, 'not_modified')) return {};
  const { etag, modified, ...said } = error.details as Partial<Record<'etag' | 'modified' | 'cacheControl' | 'expires', unknown>>;
  const headers: Record<string, string> = {};
  if (typeof etag === 'string') headers.ETag = `"${etag}"`;
  if (typeof modified === 'number' && modified > 0) headers['Last-Modified'] = httpDate(modified);
  const keeping = carriable(said.cacheControl) ?? cacheControl;
  const expires = carriable(said.expires);
  if (keeping !== undefined) headers['Cache-Control'] = keeping;
  if (expires !== undefined) headers.Expires = expires;
  return headers;
}

/** Other doors take attributes as JSON, which says more than a header can. What else there is to say matters more than such an attribute. */
export function carriable(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\t\x20-\x7e\x80-\xff]+$/.test(value) ? value : undefined;
}
