import type { CloudStoreError } from '#core/errors';
import { DavError } from './errors.ts';
import type { Exchange, Located } from './exchange.ts';
import { hrefBeside } from './paths.ts';

/** The answer to `locked`, which names what is locked (RFC 4918 §16): it lies at one of the places, above or below. */
export function lockedAt(x: Exchange, places: readonly Located[], error: CloudStoreError): CloudStoreError | DavError {
  const { bucket, key } = error.details;
  if (typeof key !== 'string') return error;
  const end = places.find(({ bucket: { id }, place }) => id === bucket && (isWithin(key, place.key) || isWithin(place.key, key)));
  if (end === undefined) return error;
  return new DavError(423, error.message, { condition: 'lock-token-submitted', href: hrefBeside(x.mount, end.place, key) });
}

function isWithin(key: string, folder: string): boolean {
  return folder === '' || key === folder || key.startsWith(`${folder}/`);
}
