import type { BucketPatch, BucketStore } from '#contracts/bucket-store';
import type { Signals } from '#contracts/signals';
import type { BucketId } from '#core/address';
import { assertBucketName, type Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { type BucketRow, bucketOf, COLUMNS, missingBucket, moveUsage, takeName } from './bucket-rows.ts';
import type { Database, Session } from './database.ts';
import { createRemovedBuckets } from './removed-buckets.ts';

export interface BucketStoreOptions {
  database: Database;
  clock: Clock;
  signals: Signals;
  /** Drops what is cached of a bucket's keys. */
  forget(bucket: BucketId): void;
}

const FIND = { name: 'bucket-find', text: `SELECT ${COLUMNS} FROM buckets b WHERE b.id = $1 AND b.removed_ms IS NULL` };
const RESOLVE = {
  name: 'bucket-resolve',
  text: `SELECT ${COLUMNS} FROM bucket_names n JOIN buckets b ON b.id = n.bucket_id
          WHERE n.name = $2 AND n.scope IN (0, $1) ORDER BY n.scope DESC LIMIT 1`,
};
const LIST = {
  name: 'bucket-list',
  text: `SELECT ${COLUMNS} FROM buckets b WHERE ($1::int IS NULL OR b.owner = $1) AND b.removed_ms IS NULL ORDER BY b.name`,
};
const INSERT = {
  name: 'bucket-insert',
  text: `INSERT INTO buckets (name, owner, domain, kind, versioning, object_lock, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
};
const INSERT_HEAD = { name: 'bucket-head-insert', text: 'INSERT INTO bucket_heads (bucket_id) VALUES ($1)' };
const INSERT_ROOT = {
  name: 'bucket-root-insert',
  text: `INSERT INTO directories (bucket_id, path, explicit, revision, modified_ms, created_ms, bytes) VALUES ($1, '', true, 1, $2, $2, 0)`,
};
/** The head's row is what every commit swaps on: moving its revision makes commits decide again with the new settings. */
const TOUCH_HEAD = { name: 'bucket-head-touch', text: 'UPDATE bucket_heads SET revision = revision + 1 WHERE bucket_id = $1' };
const UPDATE = {
  name: 'bucket-update',
  text: `UPDATE buckets b SET versioning = coalesce($2, versioning), owner = coalesce($3, owner), object_lock = coalesce($4, object_lock),
           config = (SELECT coalesce(jsonb_object_agg(e.key, e.value) FILTER (WHERE e.value <> 'null'), '{}')
                       FROM jsonb_each(config || $5::jsonb) e),
           quota_bytes = CASE WHEN $6 THEN $7::bigint ELSE quota_bytes END, quota_objects = CASE WHEN $8 THEN $9::bigint ELSE quota_objects END
         WHERE id = $1 RETURNING ${COLUMNS}`,
};
const OCCUPIED = {
  name: 'bucket-occupied',
  text: `SELECT EXISTS (SELECT 1 FROM slots WHERE bucket_id = $1 AND live)
             OR EXISTS (SELECT 1 FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = $1 AND v.visibility <> 'hidden')`,
};
const USAGE = { name: 'bucket-usage', text: 'SELECT objects, bytes FROM bucket_heads WHERE bucket_id = $1' };
/** Buckets, their names and settings. */
export function createBucketStore({ database, clock, signals, forget }: BucketStoreOptions): BucketStore {
  async function changed(id: BucketId): Promise<void> {
    await signals.publish('buckets', String(id));
  }
  const removed = createRemovedBuckets({ database, clock, forget, changed });
  return {
    removed: removed.list,
    findRemoved: removed.find,
    restore: removed.restore,
    drop: removed.drop,
    async create(bucket) {
      assertBucketName(bucket.name);
      const { name, owner, domain, kind = 'standard', versioning = 'off', objectLock = false, alias } = bucket;
      const now = clock.now();
      const id = await database.transaction(async (session) => {
        const rows = await session.query<[number]>(INSERT, [name, owner, domain, kind, versioning, objectLock, now]);
        const bucketId = rows[0]![0];
        await takeName(session, 0, name, bucketId, owner);
        if (alias !== undefined && alias !== name) await takeName(session, owner, alias, bucketId, owner);
        await session.execute(INSERT_HEAD, [bucketId]);
        await session.execute(INSERT_ROOT, [bucketId, now]);
        return bucketId;
      });
      await changed(id);
      return { id, name, owner, domain, kind, versioning, objectLock, created: now, config: {}, authority: 0 };
    },
    async find(id) {
      const rows = await database.read<BucketRow>(FIND, [id]);
      return rows[0] ? bucketOf(rows[0]) : null;
    },
    async resolve(principal, name) {
      const rows = await database.read<BucketRow>(RESOLVE, [principal ?? 0, name]);
      return rows[0] ? bucketOf(rows[0]) : null;
    },
    async list(owner) {
      return (await database.read<BucketRow>(LIST, [owner ?? null])).map(bucketOf);
    },
    async update(id, patch) {
      const bucket = await database.transaction(async (session) => {
        const before = await lockHead(session, id);
        assertLockFits(before, patch);
        const { quota = {} } = patch;
        const values = [
          id,
          patch.versioning ?? null,
          patch.owner ?? null,
          patch.objectLock ?? null,
          JSON.stringify(patch.config ?? {}),
          quota.bytes !== undefined,
          quota.bytes ?? null,
          quota.objects !== undefined,
          quota.objects ?? null,
        ];
        const rows = await session.query<BucketRow>(UPDATE, values);
        if (patch.owner !== undefined && patch.owner !== before.owner) {
          await moveUsage(session, id, before.owner, patch.owner);
        }
        return bucketOf(rows[0]!);
      });
      await changed(id);
      return bucket;
    },
    async remove(id, options = {}) {
      await database.transaction(async (session) => {
        const bucket = await lockHead(session, id);
        const occupied = await session.query<[boolean]>(OCCUPIED, [id]);
        if (occupied[0]?.[0] && options.force !== true) {
          throw new CloudStoreError('bucket_not_empty', 'The bucket is not empty.', { details: { bucket: bucket.name } });
        }
        await removed.hide(session, bucket);
      });
      forget(id);
      await changed(id);
    },
    async usage(id) {
      const rows = await database.read<[number, number]>(USAGE, [id]);
      if (!rows[0]) throw missingBucket();
      return { objects: rows[0][0], bytes: rows[0][1] };
    },
  };
}

/** Object lock needs versions, and does not end. @throws conflict */
function assertLockFits(before: Bucket, { objectLock, versioning }: BucketPatch): void {
  if (before.objectLock && objectLock === false) {
    throw new CloudStoreError('conflict', 'Object lock cannot be taken away.', { details: { objectLock: true } });
  }
  const locked = objectLock ?? before.objectLock;
  if (!locked || (versioning ?? before.versioning) === 'enabled') return;
  throw new CloudStoreError('conflict', 'Object lock goes with versions: they have to be, and stay, enabled.', {
    details: { objectLock: before.objectLock },
  });
}

async function lockHead(session: Session, id: BucketId): Promise<Bucket> {
  if ((await session.execute(TOUCH_HEAD, [id])) === 0) throw missingBucket();
  const rows = await session.query<BucketRow>(FIND, [id]);
  if (!rows[0]) throw missingBucket();
  return bucketOf(rows[0]);
}
