import type { RemovedBucket } from '#contracts/bucket-store';
import type { BucketId } from '#core/address';
import type { Bucket } from '#core/bucket';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import { type BucketRow, bucketOf, COLUMNS, missingBucket, moveUsage, takeName } from './bucket-rows.ts';
import type { Database, Session } from './database.ts';

const HELD = {
  name: 'bucket-held',
  text: `SELECT EXISTS (SELECT 1 FROM slots s JOIN versions v ON v.slot_id = s.id
                         WHERE s.bucket_id = $1 AND (v.legal_hold OR v.retain_until_ms > cs_now_ms()))`,
};
const HOLDS = {
  name: 'bucket-holds',
  text: 'SELECT EXISTS (SELECT 1 FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = $1 AND NOT v.delete_marker)',
};
/** What is under way in it, or only makes sense while it is there. Links of before get the room back that uploads by them had taken. */
const END = [
  `WITH gone AS (DELETE FROM uploads WHERE bucket_id = $1 RETURNING completed_version, attributes::json->'extra'->>'upload.link' AS taken)
   UPDATE links l SET bytes = greatest(0, l.bytes - x.bytes), files = greatest(0, l.files - x.files)
     FROM (SELECT split_part(taken, ' ', 1)::int AS link, sum(split_part(taken, ' ', 2)::bigint) AS bytes, count(*) AS files
             FROM gone WHERE taken IS NOT NULL AND completed_version IS NULL GROUP BY 1) x WHERE l.id = x.link`,
  'DELETE FROM locks WHERE bucket_id = $1',
  'DELETE FROM history_tasks WHERE bucket_id = $1',
].map((text, index) => ({ name: `bucket-end-${index}`, text }));
const HIDE = {
  name: 'bucket-hide',
  text: `UPDATE buckets SET removed_ms = $2, removed_aliases =
           (SELECT coalesce(jsonb_agg(jsonb_build_array(n.scope, n.name)), '[]') FROM bucket_names n WHERE n.bucket_id = $1 AND n.scope <> 0) WHERE id = $1`,
};
const FREE_NAMES = { name: 'bucket-free-names', text: 'DELETE FROM bucket_names WHERE bucket_id = $1' };
/** In the order of cs_commit: heads first. */
const LOCK = { name: 'bucket-removed-lock', text: 'UPDATE bucket_heads SET revision = revision + 1 WHERE bucket_id = $1' };
const DROPS = [
  'DELETE FROM versions WHERE slot_id IN (SELECT id FROM slots WHERE bucket_id = $1)',
  'DELETE FROM slots WHERE bucket_id = $1',
  'DELETE FROM directories WHERE bucket_id = $1',
  'DELETE FROM journal WHERE bucket_id = $1',
  'DELETE FROM buckets WHERE id = $1',
].map((text, index) => ({ name: `bucket-drop-${index}`, text }));
const FOUND = `SELECT ${COLUMNS}, b.removed_ms, h.objects, h.bytes, h.history_versions, h.history_bytes
                 FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id WHERE b.removed_ms IS NOT NULL`;
const FIND = { name: 'bucket-removed-find', text: `${FOUND} AND b.id = $1` };
const LIST = {
  name: 'bucket-removed-list',
  text: `${FOUND} AND ($1::int IS NULL OR b.owner = $1) ORDER BY b.removed_ms DESC, b.id DESC`,
};
const FITS = {
  name: 'bucket-restore-fits',
  text: `SELECT h.objects = 0 AND h.bytes = 0 OR (p.quota_bytes IS NULL OR coalesce(u.bytes, 0) + h.bytes <= p.quota_bytes)
                                         AND (p.quota_objects IS NULL OR coalesce(u.objects, 0) + h.objects <= p.quota_objects)
           FROM bucket_heads h LEFT JOIN principals p ON p.id = $2 LEFT JOIN usage u ON u.principal = $2 WHERE h.bucket_id = $1`,
};
const SHOW = {
  name: 'bucket-show',
  text: 'UPDATE buckets SET removed_ms = NULL, removed_aliases = NULL, name = $2 WHERE id = $1',
};
const ALIASES = {
  name: 'bucket-aliases-again',
  text: `INSERT INTO bucket_names (scope, name, bucket_id)
         SELECT (x.alias->>0)::int, x.alias->>1, b.id FROM buckets b CROSS JOIN LATERAL jsonb_array_elements(b.removed_aliases) AS x(alias)
           JOIN principals p ON p.id = (x.alias->>0)::int WHERE b.id = $1 ON CONFLICT DO NOTHING`,
};
/** As long as its own retention says, which may be without end; or, with null for $1, the oldest whatever it says. */
const OVER = {
  name: 'bucket-removed-over',
  text: `SELECT b.id, h.bytes FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id WHERE b.removed_ms IS NOT NULL
            AND ($1::bigint IS NULL OR b.removed_ms < cs_now_ms() - 86400000 *
                 CASE WHEN b.config->'retention' ? 'days' THEN (b.config->'retention'->>'days')::bigint ELSE $1::bigint END)
          ORDER BY b.removed_ms, b.id LIMIT 1`,
};

export interface RemovedBucketsDeps {
  database: Database;
  clock: Clock;
  forget(bucket: BucketId): void;
  changed(bucket: BucketId): Promise<void>;
}

type FoundRow = [
  ...bucket: BucketRow,
  removed: number,
  objects: number,
  bytes: number,
  historyVersions: number,
  historyBytes: number,
];

/** A removed bucket is one without names: no door, list or commit comes to it, and what was in it stays as it was. */
export function createRemovedBuckets({ database, clock, forget, changed }: RemovedBucketsDeps) {
  async function find(id: BucketId): Promise<RemovedBucket | null> {
    const [row] = await database.read<FoundRow>(FIND, [id]);
    return row === undefined ? null : removedOf(row);
  }

  return {
    find,
    list: async (owner?: number): Promise<RemovedBucket[]> =>
      (await database.read<FoundRow>(LIST, [owner ?? null])).map(removedOf),

    /** By who has locked its head. One that never held anything goes for good. */
    async hide(session: Session, { id, owner, objectLock }: Bucket): Promise<void> {
      // Where there never was object lock nothing is held, and a large bucket need not be read.
      const [[held] = [false]] = objectLock ? await session.query<[boolean]>(HELD, [id]) : [];
      if (held) throw new CloudStoreError('object_locked', 'A version in it is under retention or legal hold.');
      await moveUsage(session, id, owner, 0);
      for (const end of END) await session.execute(end, [id]);
      const [[holds] = [true]] = await session.query<[boolean]>(HOLDS, [id]);
      if (!holds) return drop(session, id);
      await session.execute(HIDE, [id, clock.now()]);
      await session.execute(FREE_NAMES, [id]);
    },

    async restore(id: BucketId, name?: string): Promise<Bucket> {
      const bucket = await database.transaction(async (session) => {
        const removed = await lock(session, id);
        const [[fits] = [false]] = await session.query<[boolean]>(FITS, [id, removed.owner]);
        if (!fits) throw new CloudStoreError('quota_exceeded', 'It holds more than is left of the quota of its owner.');
        const again = name ?? removed.name;
        await takeName(session, 0, again, id, removed.owner);
        await session.execute(ALIASES, [id]);
        await session.execute(SHOW, [id, again]);
        await moveUsage(session, id, 0, removed.owner);
        const { removed: _, usage: __, ...bucket } = removed;
        return { ...bucket, name: again };
      });
      await changed(id);
      return bucket;
    },

    async drop(id: BucketId): Promise<void> {
      await database.transaction(async (session) => {
        await lock(session, id);
        await drop(session, id);
      });
      forget(id);
    },
  };
}

/** One whose time is over, with all that was in it. @param days null: the oldest, whatever its time */
export async function dropOver(database: Database, days: number | null): Promise<{ count: number; bytes: number }> {
  const [row] = await database.read<[number, number]>(OVER, [days]);
  if (row === undefined) return { count: 0, bytes: 0 };
  const [id, bytes] = row;
  await database.transaction(async (session) => {
    await lock(session, id);
    await drop(session, id);
  });
  return { count: 1, bytes };
}

/** @throws bucket_not_found */
async function lock(session: Session, id: BucketId): Promise<RemovedBucket> {
  await session.execute(LOCK, [id]);
  const [row] = await session.query<FoundRow>(FIND, [id]);
  if (row === undefined) throw missingBucket();
  return removedOf(row);
}

async function drop(session: Session, id: BucketId): Promise<void> {
  for (const statement of DROPS) await session.execute(statement, [id]);
}

function removedOf(row: FoundRow): RemovedBucket {
  const [removed, objects, bytes, historyVersions, historyBytes] = row.slice(12) as [number, number, number, number, number];
  const bucket = bucketOf(row.slice(0, 12) as BucketRow);
  return { ...bucket, removed, usage: { objects, bytes, historyVersions, historyBytes } };
}
