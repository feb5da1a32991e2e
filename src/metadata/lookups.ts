import type { Address } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { DirectoryInfo, ObjectInfo, VersionId, Visibility } from '#core/object';
import { type CurrentCache, cacheKey } from './current-cache.ts';
import type { Database } from './database.ts';
import { DIRECTORY_COLUMNS, type DirectoryRow, directoryOf, type ObjectRow, objectOf, SLOT_COLUMNS } from './rows.ts';

export interface Lookups {
  current(at: Address): Promise<ObjectInfo | null>;
  version(at: Address, version: VersionId | 'null', options?: { hidden?: boolean }): Promise<ObjectInfo | null>;
  directory(at: Address): Promise<DirectoryInfo | null>;
}

/** More look-ups than this wait for a statement to return and then share one. */
const IN_FLIGHT_MAX = 3;
const BATCH_MAX = 500;

const ONE = {
  name: 'current-one',
  text: `SELECT ${SLOT_COLUMNS}, v.content FROM slots s JOIN versions v ON v.id = s.version_id WHERE s.bucket_id = $1 AND s.key = $2 AND s.live`,
};
const MANY = {
  name: 'current-many',
  text: `SELECT x.n::int, ${SLOT_COLUMNS}, v.content FROM unnest((SELECT $1::int[]), (SELECT $2::text[])) WITH ORDINALITY AS x(bucket_id, key, n)
           JOIN slots s ON s.bucket_id = x.bucket_id AND s.key = x.key AND s.live JOIN versions v ON v.id = s.version_id`,
};
const VERSION = {
  name: 'version',
  text: `SELECT s.key, encode(v.id, 'hex'), v.visibility, v.node_id, v.size, v.etag, v.modified_ms, v.mtime_ms, v.created_ms, v.attributes, s.properties,
           v.content, v.delete_marker, coalesce(s.version_id = v.id, false)
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

/** Reads of one entry. Look-ups of the current object that arrive while others are under way go together. */
export function createLookups({ database, cache }: { database: Database; cache: CurrentCache | null }): Lookups {
  let waiting: Waiting[] = [];
  let inFlight = 0;
  let scheduled = false;

  function schedule(): void {
    if (scheduled || inFlight >= IN_FLIGHT_MAX || waiting.length === 0) return;
    scheduled = true;
    queueMicrotask(() => {
      scheduled = false;
      const batch = waiting.slice(0, BATCH_MAX);
      waiting = waiting.slice(BATCH_MAX);
      inFlight++;
      fetch(database, batch, cache)
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
      const rows = await database.read<[...ObjectRow, boolean, boolean]>(VERSION, [
        at.bucket,
        at.key,
        version === 'null' ? null : version,
      ]);
      const [row] = rows;
      if (row === undefined || (row[2] === ('hidden' satisfies Visibility) && options.hidden !== true)) return null;
      return { ...objectOf(at.bucket, row), deleteMarker: row[12], isLatest: row[13] };
    },
    async directory(at) {
      if (at.key !== '' && !at.key.endsWith('/')) throw new CloudStoreError('internal', 'A directory key ends in a slash.');
      const rows = await database.read<DirectoryRow>(DIRECTORY, [at.bucket, at.key]);
      return rows[0] ? directoryOf(at.bucket, rows[0]) : null;
    },
  };
}

async function fetch(database: Database, batch: Waiting[], cache: CurrentCache | null): Promise<void> {
  const keep = cache?.reading(batch.map((one) => one.at));
  try {
    const [single] = batch;
    if (batch.length === 1 && single) {
      const rows = await database.read<ObjectRow>(ONE, [single.at.bucket, single.at.key]);
      const info = rows[0] ? objectOf(single.at.bucket, rows[0]) : null;
      keep?.store(single.at, info);
      single.resolve(info);
      return;
    }
    const rows = await database.read<[number, ...ObjectRow]>(MANY, [
      batch.map((one) => one.at.bucket),
      batch.map((one) => one.at.key),
    ]);
    const found = new Map<string, ObjectInfo>();
    const damaged = new Map<string, unknown>();
    for (const [n, ...row] of rows) {
      const { at } = batch[n - 1]!;
      try {
        found.set(cacheKey(at), objectOf(at.bucket, row));
      } catch (error) {
        damaged.set(cacheKey(at), error); // its neighbours in the batch are none the worse
      }
    }
    for (const one of batch) {
      if (damaged.has(cacheKey(one.at))) {
        one.reject(damaged.get(cacheKey(one.at)));
        continue;
      }
      const info = found.get(cacheKey(one.at)) ?? null;
      keep?.store(one.at, info);
      one.resolve(info);
    }
  } finally {
    keep?.end();
  }
}
