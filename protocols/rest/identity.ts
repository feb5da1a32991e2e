import type { Identity } from '#contracts/identity';
import { CloudStoreError } from '#core/errors';
import type { Exchange } from './exchange.ts';
import { parsePlace } from './paths.ts';

/** @throws not_implemented where this gateway lacks it */
export function identityOf({ deps }: Exchange): Identity {
  if (deps.identity === undefined) throw new CloudStoreError('not_implemented', 'This gateway does not do that.');
  return deps.identity;
}

/** The n-th name in the path, decoded. */
export function nameAt({ path }: Exchange, index: number): string {
  return parsePlace(path.split('/')[index + 1] ?? '').bucket;
}

const LIMIT = 1000;

/** A page of a list that is in memory; the cursor is the key of the last item before. */
export function pageOf<T>(
  items: readonly T[],
  keyOf: (item: T) => string,
  { cursor, limit = LIMIT }: { cursor?: string | undefined; limit?: number | undefined },
) {
  const start = cursor === undefined ? 0 : items.findIndex((item) => keyOf(item) === cursor) + 1;
  if (cursor !== undefined && start === 0) throw new CloudStoreError('cursor_expired', 'The list has changed; begin again.');
  const page = items.slice(start, start + limit);
  const last = page.at(-1);
  return { page, next: last !== undefined && start + limit < items.length ? keyOf(last) : null };
}

/** Where a browser is that asks for a passkey: what the settings say, or what it called us. @throws invalid_argument */
export function siteOf({ deps, req, cx }: Exchange): { origin: string } {
  const url = deps.publicUrl ?? `${cx.secure ? 'https' : 'http'}://${cx.host ?? req.headers.host ?? ''}`;
  if (!URL.canParse(url)) throw new CloudStoreError('invalid_argument', 'The Host header names no host.');
  return { origin: new URL(url).origin };
}

export const LABEL_CHARS_MAX = 200;

/** What a session is called where the client gives it no name. */
export function labelOf({ req }: Exchange, given: string | undefined): string {
  return given ?? (req.headers['user-agent'] ?? '').slice(0, LABEL_CHARS_MAX);
}
