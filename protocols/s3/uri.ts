import { S3Error } from './errors.ts';

/** The parameters of a query string, decoded, in order; of a doubled name the first counts. */
export interface Query {
  pairs: readonly (readonly [name: string, value: string])[];
  /** As it came. */
  raw: string;
  get(name: string): string | undefined;
  has(name: string): boolean;
}

const UNRESERVED_PATH = /^[A-Za-z0-9\-._~/]*$/;
const UNRESERVED = /^[A-Za-z0-9\-._~]*$/;

/** The request target cut at its first `?`, its origin taken off (RFC 9112 §3.2.2); never normalised, as keys may hold `//` and `..`. */
export function splitTarget(url: string): { path: string; query: string } {
  const target = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?#]*/i, '') || '/';
  const mark = target.indexOf('?');
  return mark < 0 ? { path: target, query: '' } : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** Percent-decodes once. `+` stays: in a path it is itself. Bytes sent raw count as UTF-8. @throws InvalidURI */
export function decodePath(text: string): string {
  const ascii = toAscii(text);
  if (!ascii.includes('%')) return ascii;
  try {
    return decodeURIComponent(ascii);
  } catch {
    throw new S3Error('InvalidURI', undefined, { URI: text });
  }
}

const NOTHING: Query = { pairs: [], raw: '', get: () => undefined, has: () => false };

/** Of more parameters than that, names are looked up by a table. */
const FEW_PARAMETERS = 16;

/** @throws InvalidURI */
export function parseQuery(text: string): Query {
  if (text === '') return NOTHING;
  const ascii = toAscii(text);
  const pairs: [string, string][] = [];
  for (let from = 0; from < ascii.length; ) {
    const mark = ascii.indexOf('&', from);
    const end = mark < 0 ? ascii.length : mark;
    if (end > from) {
      const equals = ascii.indexOf('=', from);
      if (equals < 0 || equals >= end) pairs.push([decodeQuery(ascii.slice(from, end)), '']);
      else pairs.push([decodeQuery(ascii.slice(from, equals)), decodeQuery(ascii.slice(equals + 1, end))]);
    }
    from = end + 1;
  }
  if (pairs.length <= FEW_PARAMETERS) {
    const find = (name: string): [string, string] | undefined => {
      for (const pair of pairs) if (pair[0] === name) return pair;
      return undefined;
    };
    return { pairs, raw: text, get: (name) => find(name)?.[1], has: (name) => find(name) !== undefined };
  }
  const first = new Map<string, string>();
  for (const [name, value] of pairs) if (!first.has(name)) first.set(name, value);
  return { pairs, raw: text, get: (name) => first.get(name), has: (name) => first.has(name) };
}

/** URI-encodes as SigV4 wants: every byte but the unreserved, upper-case hex; `/` too unless it is a path. */
export function encodeUri(text: string, path = false): string {
  if ((path ? UNRESERVED_PATH : UNRESERVED).test(text)) return text;
  const encoded = encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return path ? encoded.replace(/%2F/g, '/') : encoded;
}

function decodeQuery(text: string): string {
  return decodePath(text.includes('+') ? text.replace(/\+/g, '%20') : text);
}

/** node:http gives the target's raw bytes as latin1 characters. */
function toAscii(text: string): string {
  return /[^\x00-\x7f]/.test(text)
    ? text.replace(/[^\x00-\x7f]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
    : text;
}
