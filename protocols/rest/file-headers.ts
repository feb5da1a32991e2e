import { nameOf } from '#core/address';
import type { ObjectInfo } from '#core/object';
import { httpDate } from '#http/conditional-headers';
import { carriable } from '#http/not-modified';

/** Of a file that says nothing of it. */
export const FILE_CACHE_CONTROL = 'private, no-cache';
export const CONTENT_TYPE_DEFAULT = 'application/octet-stream';

/**
 * What goes with a file's bytes. Files are what anybody stored, so a browser must neither guess a type nor run one in our name:
 * without scripts, forms and an origin (`sandbox`) stored HTML or SVG cannot reach the API.
 * @param download asks for a file to save instead of a page to show
 */
export function fileHeaders(info: ObjectInfo, download = false): Record<string, string> {
  const { attributes } = info;
  const headers: Record<string, string> = {
    ETag: `"${info.etag}"`,
    'Last-Modified': httpDate(info.mtime),
    'Accept-Ranges': 'bytes',
    'Content-Type': attributes.contentType ?? CONTENT_TYPE_DEFAULT,
    'Cache-Control': attributes.cacheControl ?? FILE_CACHE_CONTROL,
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'",
    'Cross-Origin-Resource-Policy': 'same-origin',
  };
  if (attributes.contentEncoding !== undefined) headers['Content-Encoding'] = attributes.contentEncoding;
  if (attributes.contentLanguage !== undefined) headers['Content-Language'] = attributes.contentLanguage;
  const expires = carriable(attributes.expires);
  if (expires !== undefined) headers.Expires = expires;
  if (download) headers['Content-Disposition'] = attachment(nameOf(info.key));
  else if (attributes.contentDisposition !== undefined) headers['Content-Disposition'] = attributes.contentDisposition;
  return headers;
}

/** RFC 6266 with an ASCII name for old clients. */
export function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const encoded = encodeURIComponent(name.toWellFormed()).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
