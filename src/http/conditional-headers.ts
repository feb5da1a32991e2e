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
  if (typeof match === 'string') out.ifMatch = parseEtags(match, 'strong');
  if (typeof noneMatch === 'string') out.ifNoneMatch = parseEtags(noneMatch);
  const since = typeof modifiedSince === 'string' ? parseHttpDate(modifiedSince) : Number.NaN;
  const until = typeof unmodifiedSince === 'string' ? parseHttpDate(unmodifiedSince) : Number.NaN;
  if (!Number.isNaN(since)) out.ifModifiedSince = since;
  if (!Number.isNaN(until)) out.ifUnmodifiedSince = until;
  return out;
}

/** @param comparison `strong`, as If-Match wants it: a weak tag is none (RFC 9110 §8.8.3.2) */
export function parseEtags(header: string, comparison: 'strong' | 'weak' = 'weak'): string[] | '*' {
  const text = header.trim();
  if (text === '*') return '*';
  const tags = text.split(',').map((part) => part.trim());
  const compared = comparison === 'weak' ? tags : tags.filter((tag) => !tag.startsWith('W/'));
  return compared.map((tag) => tag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1'));
}

/**
 * Whether a range goes on with the same bytes (RFC 9110 §13.1.5): If-Range takes a strong ETag, or the very second of Last-Modified.
 * @param modified what Last-Modified says at this door, ms since the epoch
 */
export function rangeApplies(headers: IncomingHttpHeaders, { etag, modified }: { etag: string; modified: number }): boolean {
  const condition = headers['if-range'];
  if (typeof condition !== 'string') return true;
  const text = condition.trim();
  return text.startsWith('"') ? text === `"${etag}"` : parseHttpDate(text) === Math.floor(modified / 1000) * 1000;
}

/** One of the three forms of a date in HTTP (RFC 9110 §5.6.7), all of which name the day of the week; else NaN. ms since the epoch. */
export function parseHttpDate(text: string): number {
  if (/^\s*[A-Z][a-z]{2,8}, .* GMT\s*$/.test(text)) return Date.parse(text);
  // What C's asctime writes says no zone, and means GMT.
  return /^\s*[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4}\s*$/.test(text) ? Date.parse(`${text} GMT`) : Number.NaN;
}

/** IMF-fixdate, in whole seconds (RFC 9110 §5.6.7). */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString();
}
