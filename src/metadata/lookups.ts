import type { Address } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { DirectoryInfo, ObjectInfo, VersionId, Visibility } from '#core/object';
import { Oldest } from '#core/oldest';
import type { ObjectLock, RetentionMode } from '#core/retention';
import { type CurrentCache, cacheKey } from './current-cache.ts';
import type { Database } from './database.ts';
import {
  contentOf,
  DIRECTORY_COLUMNS,
  type DirectoryRow,
  directoryOf,
  type ObjectRow,
  objectOf,
  PACKED_SLOT,
  packedReader,
} from './rows.ts';

export interface Lookups {
  current(at: Address): Promise<ObjectInfo | null>;
  version(at: Address, version: VersionId | 'null', options?: { hidden?: boolean }): Promise<ObjectInfo | null>;
  directory(at: Address): Promise<DirectoryInfo | null>;
}

const IN_FLIGHT_MAX = 3;
/** A statement costs as much as some ten look-ups in it: while one is under way, fewer than this wait for it and then share one. */
const WAITING_MIN = 24;
/** One that takes longer waits for a disk; others need not. */
const SLOW_MS = 2;
const BATCH_MAX = 500;
const PARSED_MAX = 5_000;

const ONE = {
  name: 'current-one',
  text: `SELECT ${PACKED_SLOT}, v.content FROM slots s JOIN versions v ON v.id = s.version_id WHERE s.bucket_id = $1 AND s.key = $2 AND s.live`,
};
const MANY = {
  name: 'current-many',
  text: `SELECT x.n::int, ${PACKED_SLOT}, v.content FROM unnest((SELECT $1::int[]), (SELECT $2::text[])) WITH ORDINALITY AS x(bucket_id, key, n)
           JOIN slots s ON s.bucket_id = x.bucket_id AND s.key = x.key AND s.live JOIN versions v ON v.id = s.version_id`,
};
const VERSION = {
  name: 'version',
  text: `SELECT s.key, encode(v.id, 'hex'), v.visibility, v.node_id, v.size, v.etag, v.modified_ms, v.mtime_ms, v.created_ms, v.attributes, s.properties,
           v.content, v.delete_marker, coalesce(s.version_id = v.id, false), v.retention_mode, v.retain_until_ms, v.legal_hold, v.hold_set
         FROM slots s JOIN versions v ON v.slot_id = s.id
         WHERE s.bucket_id = $1 AND s.key = $2 AND CASE WHEN $3::text IS NULL THEN v.visibility = 'null' ELSE v.id = decode($3, 'hex') END`,
};
const DIRECTORY = {
  name: 'directory',
  text: `SELECT ${DIRECTORY_COLUMNS} FROM directories d WHERE d.bucket_id = $1 AND d.path = $2`,
};

interface Waiting {
  at: Address;
  resolve(info: ObjectInfo | null): void;
  reject(error: unknown): void;
}

/** What is packed of a slot, and its version's content. */
type Packed = [packed: string, content: Buffer | null];

/** Reads of one entry. Look-ups of the current object that arrive while others are under way go together. */
export function createLookups({
  database,
  cache,
  folders,
}: {
  database: Database;
  cache: CurrentCache<ObjectInfo> | null;
  folders: CurrentCache<DirectoryInfo> | null;
}): Lookups {
  let waiting: Waiting[] = [];
  let inFlight = 0;
  let scheduled = false;
  /** When the last statement left; performance.now(). */
  let left = 0;
  const read = packedReader();
  /** Rows as they came, by key, and what they say: parsing one anew costs more than comparing it. */
  const parsed = new Map<string, { packed: string; content: Buffer | null; info: ObjectInfo }>();
  const oldest = new Oldest(parsed);

  function schedule(): void {
    if (scheduled || inFlight >= IN_FLIGHT_MAX || waiting.length === 0) return;
    if (inFlight > 0 && waiting.length < WAITING_MIN && performance.now() - left < SLOW_MS) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      const batch = waiting.slice(0, BATCH_MAX);
      waiting = waiting.slice(BATCH_MAX);
      inFlight++;
      left = performance.now();
      fetch(batch)
        .catch((error: unknown) => {
          for (const one of batch) one.reject(error);
        })
        .finally(() => {
          inFlight--;
          schedule();
        });
      schedule();
    });
  }

  async function fetch(batch: Waiting[]): Promise<void> {
    const keep = cache?.reading(batch.map(({ at }) => at));
    const settle = ({ at, resolve, reject }: Waiting, packed?: string, content?: Buffer | null): void => {
      try {
        const info = packed === undefined ? null : objectOfSlot(at, packed, content ?? null);
        keep?.store(at, info);
        resolve(info);
      } catch (error) {
        reject(error); // its neighbours in the batch are none the worse
      }
    };
    try {
      const [single] = batch;
      if (batch.length === 1 && single) {
        const [row] = await database.read<Packed>(ONE, [single.at.bucket, single.at.key]);
        return settle(single, row?.[0], row?.[1]);
      }
      const buckets = batch.map((one) => one.at.bucket);
      const rows = await database.read<[number, ...Packed]>(MANY, [buckets, batch.map((one) => one.at.key)]);
      const found: Packed[] = [];
      for (const [n, packed, content] of rows) found[n - 1] = [packed, content];
      for (const [index, one] of batch.entries()) settle(one, found[index]?.[0], found[index]?.[1]);
    } finally {
      keep?.end();
    }
  }

  /** The same object for the same row, so that what doors have made of it stays good too. */
  function objectOfSlot(at: Address, packed: string, content: Buffer | null): ObjectInfo {
    const key = cacheKey(at);
    const known = parsed.get(key);
    if (known !== undefined && known.packed === packed && sameBytes(known.content, content)) return known.info;
    const info = read(at.bucket, at.key, packed);
    if (content !== null) info.content = contentOf(content, { ...at, versionId: info.versionId });
    if (cache !== null) return info; // which keeps it
    parsed.delete(key);
    parsed.set(key, { packed, content, info });
    oldest.trim(
      () => parsed.size > PARSED_MAX,
      (one) => parsed.delete(one),
    );
    return info;
  }

  return {
    current(at) {
      const known = cache?.get(at);
      if (known !== undefined) return Promise.resolve(known);
      return new Promise((resolve, reject) => {
        waiting.push({ at, resolve, reject });
        schedule();
      });
    },
    async version(at, version, options = {}) {
      if (version !== 'null' && !/^[0-9a-f]{32}$/.test(version)) return null;
      const rows = await database.read<
        [...ObjectRow, boolean, boolean, RetentionMode | null, number | null, boolean, true | null]
      >(VERSION, [at.bucket, at.key, version === 'null' ? null : version]);
      const [row] = rows;
      if (row === undefined || (row[2] === ('hidden' satisfies Visibility) && options.hidden !== true)) return null;
      const [mode, until, legalHold, holdSet] = [row[14], row[15], row[16], row[17]];
      const retention = mode === null || until === null ? null : { mode, until };
      const lock: ObjectLock = { retention, legalHold, ...(holdSet === true ? { holdSet } : {}) };
      const kept = retention !== null || legalHold || holdSet === true ? { lock } : {};
      return { ...objectOf(at.bucket, row), deleteMarker: row[12], isLatest: row[13], ...kept };
    },
    async directory(at) {
      if (at.key !== '' && !at.key.endsWith('/')) throw new CloudStoreError('internal', 'A directory key ends in a slash.');
      const known = folders?.get(at);
      if (known !== undefined) return known;
      const keep = folders?.reading([at]);
      try {
        const rows = await database.read<DirectoryRow>(DIRECTORY, [at.bucket, at.key]);
        const info = rows[0] ? directoryOf(at.bucket, rows[0]) : null;
        keep?.store(at, info);
        return info;
      } finally {
        keep?.end();
      }
    },
  };
}

function sameBytes(a: Buffer | null, b: Buffer | null): boolean {
  return a === null || b === null ? a === b : a.equals(b);
}
