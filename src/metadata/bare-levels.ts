import type { BriefRow, ListQuery } from '#contracts/metadata-store';
import { type Address, afterPrefix, type BucketId, compareKeys, type ObjectKey } from '#core/address';
import { createCurrentCache } from './current-cache.ts';

/**
 * Where in a folder no file lies directly, found by a page that showed none there: a page of its folders needs no look at what lies between them then, which is most
 * of its work. Only where this process is the only one that commits: it is told of each file that comes.
 */
export interface BareLevels {
  /** No file lies directly in the folder, in all of the page's range. */
  covers(query: ListQuery): boolean;
  /** A page is going to be read. */
  reading(query: ListQuery): LevelReading;
  /** A file may have come. */
  came(at: Address): void;
  /** null: all. */
  forget(bucket: BucketId | null): void;
}

/** A page of a folder, as it is read. */
export interface LevelReading {
  shown(row: BriefRow): void;
  /** It was read up to there; null: to its end. */
  read(next: ObjectKey | null): void;
  end(): void;
}

/** From a key on, to before another; null: to the folder's end. */
interface Range {
  from: ObjectKey;
  to: ObjectKey | null;
}

const LEVELS_MAX = { entriesMax: 1_000, bytesMax: 4 << 20 };

export function createBareLevels(): BareLevels {
  const levels = createCurrentCache<Range>(LEVELS_MAX);
  return {
    covers(query) {
      const known = levels.get(levelOf(query));
      if (known == null) return false;
      const { from, to } = rangeOf(query);
      return compareKeys(known.from, from) <= 0 && (known.to === null || (to !== null && compareKeys(to, known.to) <= 0));
    },
    reading(query) {
      const at = levelOf(query);
      const reading = levels.reading([at]);
      let [some, bare] = [false, true];
      return {
        shown(row) {
          some = true;
          bare &&= row.prefix;
        },
        read(next) {
          const { from, to } = rangeOf(query);
          if (some && bare) reading.store(at, joined(levels.get(at) ?? null, { from, to: next ?? to }));
        },
        end: reading.end,
      };
    },
    came: (at) => levels.changed(levelOf({ bucket: at.bucket, prefix: at.key }), undefined),
    forget: (bucket) => levels.forget(bucket),
  };
}

/** The folder in which the names of a page lie; of a key, in which it is shown: a folder's own marker in the folder itself. */
function levelOf({ bucket, prefix }: Pick<ListQuery, 'bucket' | 'prefix'>): Address {
  return { bucket, key: prefix.slice(0, prefix.lastIndexOf('/') + 1) };
}

/** No key holds a NUL, so that behind a key all others behind it lie. */
function rangeOf({ prefix, after }: ListQuery): Range {
  const from = after === '' || compareKeys(after, prefix) < 0 ? prefix : `${after}\0`;
  const whole = prefix === '' || prefix.endsWith('/');
  return { from, to: whole ? null : afterPrefix(prefix) };
}

/** Both, where one goes on where the other ends; else the newer one. */
function joined(known: Range | null, found: Range): Range {
  if (known === null) return found;
  const [first, second] = compareKeys(known.from, found.from) <= 0 ? [known, found] : [found, known];
  // What a page ended with is a folder, so nothing but what is in it lies between that and what is behind it.
  if (first.to !== null && compareKeys(second.from, `${first.to}\0`) > 0) return found;
  const ends = first.to === null || second.to === null ? null : compareKeys(first.to, second.to) < 0 ? second.to : first.to;
  return { from: first.from, to: ends };
}
