import type { Address } from '#core/address';
import type { ChangeBoard, Stamp } from './change-board.ts';
import { type CurrentCache, type CurrentCacheBounds, cacheKey, createCurrentCache } from './current-cache.ts';

/** A change whose outcome nobody got to know may arrive after its end was told; so nothing is believed for longer. */
const KNOWN_MS_MAX = 10_000;

interface Known<Info> {
  info: Info | null;
  stamp: Stamp;
  until: number;
}

/**
 * As a CurrentCache where several processes of one gateway commit, and no others: what is remembered is known to be as it is in the database by what they tell each other.
 * @param now milliseconds that only go forward
 */
export function createWatchedCache<Info>(
  bounds: CurrentCacheBounds,
  board: ChangeBoard,
  now = () => performance.now(),
): CurrentCache<Info> {
  const kept = createCurrentCache<Known<Info>>(bounds);
  return {
    get(at) {
      const known = kept.get(at);
      return known && known.until > now() && board.holds(at, known.stamp) ? known.info : undefined;
    },
    // What this process has changed another may have changed since.
    changed: (at) => kept.changed(at, undefined),
    forget: (bucket) => kept.forget(bucket),
    reading(rows) {
      const stamps = new Map<string, Stamp>();
      for (const at of rows) stamps.set(cacheKey(at), board.stamp(at));
      const until = now() + KNOWN_MS_MAX;
      const reading = kept.reading(rows);
      return {
        store(at: Address, info: Info | null) {
          const stamp = stamps.get(cacheKey(at));
          if (stamp !== undefined) reading.store(at, { info, stamp, until });
        },
        end: reading.end,
      };
    },
  };
}
