import type { IncomingHttpHeaders } from 'node:http';
import type { Conditions } from '#core/conditions';

/**
 * RFC 9110 §13.1: reads the four conditions of a request. ETags may come quoted, weak or (as S3 tools send them) bare.
 * A date that cannot be parsed is ignored, as the RFC says.
 * @param prefix `x-amz-copy-source-` for S3's conditions on the source
 */
export function parseConditions(headers: IncomingHttpHeaders, prefix = ''): Conditions {
  const out: Conditions = {};
  const match = headers[`${prefix}if-match`];
  const noneMatch = headers[`${prefix}if-none-match`];
  const modifiedSince = headers[`${prefix}if-modified-since`];
  const unmodifiedSince = headers[`${prefix}if-unmodified-since`];
  if (typeof match === 'string') out.ifMatch = parseEtags(match);
  if (typeof noneMatch === 'string') out.ifNoneMatch = parseEtags(noneMatch);
  const since = typeof modifiedSince === 'string' ? Date.parse(modifiedSince) : Number.NaN;
  const until = typeof unmodifiedSince === 'string' ? Date.parse(unmodifiedSince) : Number.NaN;
  if (!Number.isNaN(since)) out.ifModifiedSince = since;
  if (!Number.isNaN(until)) out.ifUnmodifiedSince = until;
  return out;
}

export function parseEtags(header: string): string[] | '*' {
  const text = header.trim();
  if (text === '*') return '*';
  return text.split(',').map((part) =>
    part
      .trim()
      .replace(/^W\//, '')
      .replace(/^"(.*)"$/, '$1'),
  );
}

/** IMF-fixdate, in whole seconds (RFC 9110 §5.6.7). */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}
