import type { ObjectKey } from '#core/address';
import { CloudStoreError } from '#core/errors';

/**
 * Splits `<bucket>/<key>` of a URL path, each segment decoded once. A key is flat, so `a//b` and an encoded slash are what they
 * say; dot segments are refused, because what lies between a client and us folds them away: such keys go in `?key=`.
 * @throws invalid_key for a malformed escape, bytes that are no UTF-8, NUL, `.` and `..`
 */
export function parsePlace(path: string): { bucket: string; key: ObjectKey } {
  const slash = path.indexOf('/');
  const bucket = decode(slash < 0 ? path : path.slice(0, slash));
  if (slash < 0) return { bucket, key: '' };
  const names = path
    .slice(slash + 1)
    .split('/')
    .map(decode);
  for (const name of names) {
    if (name === '.' || name === '..')
      throw new CloudStoreError('invalid_key', 'The path holds a dot segment; ?key= takes any key.');
  }
  return { bucket, key: names.join('/') };
}

/**
 * The query's fields. A `+` is a space, as browsers write it.
 * @throws invalid_argument for what is no UTF-8 and for a field given twice
 */
export function parseQuery(query: string): Record<string, string> {
  const out = new Map<string, string>();
  for (const part of query.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const [name, value] = equals < 0 ? [part, ''] : [part.slice(0, equals), part.slice(equals + 1)];
    const field = decodeField(name);
    if (out.has(field)) throw new CloudStoreError('invalid_argument', `The query holds ${field} twice.`);
    out.set(field, decodeField(value));
  }
  return Object.fromEntries(out);
}

/** The request target's path and query, also of its absolute form (RFC 9112 §3.2.2). */
export function splitTarget(url: string): { path: string; query: string } {
  const target = url.replace(/^https?:\/\/[^/?#]*/i, '');
  const question = target.indexOf('?');
  return question < 0 ? { path: target, query: '' } : { path: target.slice(0, question), query: target.slice(question + 1) };
}

function decode(raw: string): string {
  let text = raw;
  if (raw.includes('%')) {
    try {
      text = decodeURIComponent(raw);
    } catch (cause) {
      throw new CloudStoreError('invalid_key', 'The path holds an escape that is no UTF-8.', { cause });
    }
  }
  if (text.includes('\0')) throw new CloudStoreError('invalid_key', 'The path holds a NUL character.');
  return text;
}

function decodeField(raw: string): string {
  try {
    return decodeURIComponent(raw.replaceAll('+', ' '));
  } catch (cause) {
    throw new CloudStoreError('invalid_argument', 'The query holds an escape that is no UTF-8.', { cause });
  }
}
