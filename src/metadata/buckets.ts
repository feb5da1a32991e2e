import type { BucketPatch, BucketStore } from '#contracts/bucket-store';
import type { Signals } from '#contracts/signals';
import type { BucketId } from '#core/address';
import { assertBucketName, type Bucket, type BucketKind, type Versioning } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Database, Session } from './database.ts';

export interface BucketStoreOptions {
  database: Database;
  clock: Clock;
  signals: Signals;
  /** Drops what is cached of a bucket's keys. */
  forget(bucket: BucketId): void;
}

type Row = [
  number,
  string,
  number,
  number,
  BucketKind,
  Versioning,
  boolean,
  number,
  string,
  number | null,
  number | null,
  number,
];

const COLUMNS =
  'b.id, b.name, b.owner, b.domain, b.kind, b.versioning, b.object_lock, b.created_ms, b.config, b.quota_bytes, b.quota_objects, b.authority';
const FIND = { name: 'bucket-find', text: `SELECT ${COLUMNS} FROM buckets b WHERE b.id = $1` };
const RESOLVE = {
  name: 'bucket-resolve',
  text: `SELECT ${COLUMNS} FROM bucket_names n JOIN buckets b ON b.id = n.bucket_id
          WHERE n.name = $2 AND n.scope IN (0, $1) ORDER BY n.scope DESC LIMIT 1`,
};
const LIST = {
  name: 'bucket-list',
  text: `SELECT ${COLUMNS} FROM buckets b WHERE $1::int IS NULL OR b.owner = $1 ORDER BY b.name`,
};
const INSERT = {
  name: 'bucket-insert',
  text: `INSERT INTO buckets (name, owner, domain, kind, versioning, object_lock, created_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`,
};
const INSERT_NAME = {
  name: 'bucket-name-insert',
  text: 'INSERT INTO bucket_names (scope, name, bucket_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
};
const TAKEN = {
  name: 'bucket-name-taken',
  text: 'SELECT b.owner FROM bucket_names n JOIN buckets b ON b.id = n.bucket_id WHERE n.scope = $1 AND n.name = $2',
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
const MOVE_USAGE = {
  name: 'bucket-move-usage',
  text: `INSERT INTO usage AS t (principal, bytes, objects)
         SELECT v.principal, v.bytes, v.objects
           FROM (SELECT $2::int AS principal, -bytes AS bytes, -objects AS objects FROM bucket_heads WHERE bucket_id = $1
                 UNION ALL SELECT $3::int, bytes, objects FROM bucket_heads WHERE bucket_id = $1) v
          WHERE v.bytes <> 0 OR v.objects <> 0 ORDER BY v.principal
         ON CONFLICT (principal) DO UPDATE SET bytes = t.bytes + excluded.bytes, objects = t.objects + excluded.objects`,
};
const OCCUPIED = {
  name: 'bucket-occupied',
  text: `SELECT EXISTS (SELECT 1 FROM slots WHERE bucket_id = $1 AND live)
             OR EXISTS (SELECT 1 FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = $1 AND v.visibility <> 'hidden')
             OR EXISTS (SELECT 1 FROM uploads WHERE bucket_id = $1 AND completed_version IS NULL)`,
};
const USAGE = { name: 'bucket-usage', text: 'SELECT objects, bytes FROM bucket_heads WHERE bucket_id = $1' };
const DROPS = [
  'DELETE FROM versions WHERE slot_id IN (SELECT id FROM slots WHERE bucket_id = $1)',
  'DELETE FROM slots WHERE bucket_id = $1',
  'DELETE FROM directories WHERE bucket_id = $1',
  'DELETE FROM uploads WHERE bucket_id = $1',
  'DELETE FROM journal WHERE bucket_id = $1',
  'DELETE FROM buckets WHERE id = $1',
].map((text, index) => ({ name: `bucket-drop-${index}`, text }));

/** Buckets, their names and settings. */
export function createBucketStore({ database, clock, signals, forget }: BucketStoreOptions): BucketStore {
  async function changed(id: BucketId): Promise<void> {
    await signals.publish('buckets', String(id));
  }
  return {
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
      const rows = await database.read<Row>(FIND, [id]);
      return rows[0] ? bucketOf(rows[0]) : null;
    },
    async resolve(principal, name) {
      const rows = await database.read<Row>(RESOLVE, [principal ?? 0, name]);
      return rows[0] ? bucketOf(rows[0]) : null;
    },
    async list(owner) {
      return (await database.read<Row>(LIST, [owner ?? null])).map(bucketOf);
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
        const rows = await session.query<Row>(UPDATE, values);
        if (patch.owner !== undefined && patch.owner !== before.owner) {
          await session.execute(MOVE_USAGE, [id, before.owner, patch.owner]);
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
        await session.execute(MOVE_USAGE, [id, bucket.owner, 0]);
        for (const drop of DROPS) await session.execute(drop, [id]);
      });
      forget(id);
      await changed(id);
    },
    async usage(id) {
      const rows = await database.read<[number, number]>(USAGE, [id]);
      if (!rows[0]) throw missing();
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
  if ((await session.execute(TOUCH_HEAD, [id])) === 0) throw missing();
  const rows = await session.query<Row>(FIND, [id]);
  if (!rows[0]) throw missing();
  return bucketOf(rows[0]);
}

async function takeName(session: Session, scope: number, name: string, bucket: BucketId, owner: number): Promise<void> {
  if ((await session.execute(INSERT_NAME, [scope, name, bucket])) === 1) return;
  const rows = await session.query<[number]>(TAKEN, [scope, name]);
  const own = rows[0]?.[0] === owner;
  throw new CloudStoreError(own ? 'bucket_owned_by_you' : 'bucket_exists', `The name ${name} is taken.`, {
    details: { bucket: name },
  });
}

function bucketOf([
  id,
  name,
  owner,
  domain,
  kind,
  versioning,
  objectLock,
  created,
  config,
  bytes,
  objects,
  authority,
]: Row): Bucket {
  const quota = bytes === null && objects === null ? {} : { quota: { bytes, objects } };
  return { id, name, owner, domain, kind, versioning, objectLock, created, config: JSON.parse(config), authority, ...quota };
}

function missing(): CloudStoreError {
  return new CloudStoreError('bucket_not_found', 'No such bucket.');
}
