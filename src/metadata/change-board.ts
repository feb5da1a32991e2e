import type { Address, BucketId } from '#core/address';

/**
 * Where the processes of one gateway tell each other what they change, in memory that they share, so that each can remember rows: what was read is as the database has it while nothing is
 * told to have changed, or to be changing, since before it was read.
 */
export interface ChangeBoard {
  /** These are about to be changed. `end`, once, when it is known whether they were, and before anybody is told of it. */
  begin(rows: Iterable<Address>, buckets: Iterable<BucketId>): { end(): void };
  /** Something of the bucket was changed; null: anything may have been. */
  changed(bucket: BucketId | null): void;
  /** Taken before the row is read, for `holds`. */
  stamp(at: Address): Stamp;
  /** Whether what was read since the stamp was taken is what the database would say. */
  holds(at: Address, stamp: Stamp): boolean;
  /** A process is dead: what it had begun has ended. */
  buried(process: number): void;
}

export interface Stamp {
  row: number;
  bucket: number;
  all: number;
}

const ROWS = 65_536;
const BUCKETS = 4_096;
const ALL = ROWS + BUCKETS;
const PLACES = ALL + 1;

/** Bytes that so many processes need, numbered from 0. */
export function boardBytes(processes: number): number {
  return PLACES * 8 + processes * PLACES * 2;
}

/**
 * For each place, which rows and buckets share by chance, a count of changes and one of those that are under way, and for each process how many of the latter are its own.
 * Where a process dies between two of these steps, what is left says "under way" once too often: it is asked for, which is slower and never wrong.
 * @param bytes all zero at first, shared by all; of `boardBytes`
 */
export function createChangeBoard(bytes: ArrayBuffer, process: number): ChangeBoard {
  const changes = new Int32Array(bytes, 0, PLACES);
  const underWay = new Int32Array(bytes, PLACES * 4, PLACES);
  const ownOf = (one: number): Uint16Array => new Uint16Array(bytes, PLACES * 8 + one * PLACES * 2, PLACES);
  const own = ownOf(process);

  const isStill = (place: number, count: number): boolean =>
    Atomics.load(underWay, place) === 0 && Atomics.load(changes, place) === count;

  return {
    begin(rows, buckets) {
      const places: number[] = [];
      for (const at of rows) places.push(placeOf(at));
      for (const bucket of buckets) places.push(placeOfBucket(bucket));
      for (const place of places) {
        Atomics.add(underWay, place, 1);
        own[place]!++;
      }
      return {
        end() {
          for (const place of places.splice(0)) {
            Atomics.add(changes, place, 1);
            own[place]!--;
            Atomics.sub(underWay, place, 1);
          }
        },
      };
    },
    changed(bucket) {
      Atomics.add(changes, bucket === null ? ALL : placeOfBucket(bucket), 1);
    },
    stamp: (at) => ({
      row: Atomics.load(changes, placeOf(at)),
      bucket: Atomics.load(changes, placeOfBucket(at.bucket)),
      all: Atomics.load(changes, ALL),
    }),
    holds: (at, { row, bucket, all }) =>
      isStill(placeOf(at), row) && isStill(placeOfBucket(at.bucket), bucket) && isStill(ALL, all),
    buried(dead) {
      Atomics.add(changes, ALL, 1);
      const left = ownOf(dead);
      for (let place = 0; place < PLACES; place++) {
        if (left[place] === 0) continue;
        Atomics.sub(underWay, place, left[place]!);
        left[place] = 0;
      }
    },
  };
}

const FNV_PRIME = 0x01000193;

/** FNV-1a over the bucket and the key's units. */
function placeOf({ bucket, key }: Address): number {
  let hash = Math.imul(0x811c9dc5 ^ bucket, FNV_PRIME);
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), FNV_PRIME);
  return (hash ^ (hash >>> 16)) & (ROWS - 1);
}

function placeOfBucket(bucket: BucketId): number {
  return ROWS + (bucket & (BUCKETS - 1));
}
