import { parentOf } from '#core/address';
import type { Who } from '#core/principal';
import { assertUnlocked, locksFor, withoutSlash } from '../locks.ts';
import type { Range } from './ranges.ts';
import { DROP_LOCKS } from './statements.ts';
import type { Work } from './transaction.ts';

export interface Opening {
  who: Who;
  lockTokens: readonly string[] | undefined;
  /** What lies below changes too. */
  below: boolean;
  /** An entry of the parent comes or goes: a lock on the parent, of any depth, counts (RFC 4918 §7.4). */
  membership: boolean;
  /** Locks never move (§7.6): they end with what they lie on. */
  drop: 'none' | 'below' | 'all';
}

/** @throws locked (details.key) when the submitted tokens don't open every lock in the way */
export async function openLocks({ session, now }: Work, range: Range, opening: Opening): Promise<void> {
  const { bucket } = range;
  const key = withoutSlash(range.key);
  const locks = await locksFor(session, bucket, [key], opening.below, now);
  if (opening.membership && range.key !== '') {
    const parent = withoutSlash(parentOf(range.key));
    const above = await locksFor(session, bucket, [parent], false, now);
    const known = new Set(locks.map((lock) => lock.token));
    locks.push(...above.filter((lock) => lock.at.key === parent && !known.has(lock.token)));
  }
  if (locks.length === 0) return;
  assertUnlocked(locks, opening.who.principal?.id ?? null, opening.lockTokens ?? []);
  if (opening.drop === 'none') return;
  const ended = locks.filter(({ at }) =>
    at.key === key ? opening.drop === 'all' && key !== '' : at.key.startsWith(key === '' ? '' : `${key}/`),
  );
  await session.execute(DROP_LOCKS, [ended.map((lock) => lock.token)]);
}
