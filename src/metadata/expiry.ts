import type { ExpiryStore } from '#contracts/expiry-store';
import type { Database, Session } from './database.ts';
import { dropOver } from './removed-buckets.ts';
import { nextDoomed } from './retain.ts';

const UPLOADS_MAX = 100;
const VERSIONS_MAX = 500;
const COMPLETED_MS = 24 * 3600 * 1000;

/** Those into a link's drop folder give their room back. */
const UPLOADS = {
  name: 'expiry-uploads',
  text: `WITH gone AS (DELETE FROM uploads WHERE id IN (SELECT u.id FROM uploads u WHERE u.created_ms < cs_now_ms() - $1::bigint AND u.completed_version IS NULL
           AND NOT EXISTS (SELECT 1 FROM parts p WHERE p.upload_id = u.id AND p.modified_ms >= cs_now_ms() - $1::bigint)
         ORDER BY u.created_ms, u.id LIMIT $2 FOR UPDATE OF u SKIP LOCKED) RETURNING attributes::json->'extra'->>'upload.link' AS taken),
         room AS (UPDATE links l SET bytes = greatest(0, l.bytes - x.bytes), files = greatest(0, l.files - x.files)
           FROM (SELECT split_part(taken, ' ', 1)::int AS link, sum(split_part(taken, ' ', 2)::bigint) AS bytes, count(*) AS files
                   FROM gone WHERE taken IS NOT NULL GROUP BY 1) x WHERE l.id = x.link)
         SELECT count(*)::int FROM gone`,
};
/** A gateway that died says nothing for hours, or is fenced or forgotten by then. */
const ROOMS = {
  name: 'expiry-rooms',
  text: `WITH gone AS (DELETE FROM link_rooms r WHERE NOT EXISTS (SELECT 1 FROM gateways g WHERE g.id = r.gateway AND NOT g.fenced AND g.seen_ms > cs_now_ms() - $1::bigint)
                      RETURNING r.link_id, r.bytes, r.files),
         room AS (UPDATE links l SET bytes = greatest(0, l.bytes - x.bytes), files = greatest(0, l.files - x.files)
           FROM (SELECT link_id, sum(bytes) AS bytes, sum(files) AS files FROM gone GROUP BY 1) x WHERE l.id = x.link_id)
         SELECT count(*)::int FROM gone`,
};
const SILENT_MS = 3600 * 1000;
const COMPLETED = {
  name: 'expiry-completed',
  text: `DELETE FROM uploads WHERE id IN (SELECT id FROM uploads WHERE created_ms < cs_now_ms() - $1::bigint AND completed_ms < cs_now_ms() - $1::bigint
         ORDER BY created_ms, id LIMIT $2 FOR UPDATE SKIP LOCKED)`,
};
const HISTORY = {
  name: 'expiry-history',
  text: `SELECT encode(v.id, 'hex'), v.slot_id, s.bucket_id, v.size FROM versions v JOIN slots s ON s.id = v.slot_id
          WHERE v.visibility = 'hidden' AND v.superseded_ms < cs_now_ms() - $1::bigint AND NOT v.legal_hold
            AND coalesce(v.retain_until_ms, 0) < cs_now_ms() ORDER BY v.superseded_ms, v.id LIMIT $2`,
};
/** Whatever changes a bucket takes its head first, in the order of ids; the revision makes commits decide again that rested on what goes. */
const LOCK_HEADS = {
  name: 'expiry-lock-heads',
  text: 'SELECT bucket_id FROM bucket_heads WHERE bucket_id = ANY((SELECT $1::int[])::int[]) ORDER BY bucket_id FOR UPDATE',
};
const TOUCH_HEADS = {
  name: 'expiry-touch-heads',
  text: `UPDATE bucket_heads h SET revision = revision + 1, history_versions = history_versions - coalesce(x.n, 0), history_bytes = history_bytes - coalesce(x.z, 0)
           FROM unnest((SELECT $1::int[]), (SELECT $2::bigint[]), (SELECT $3::bigint[])) AS x(bucket_id, n, z) WHERE h.bucket_id = x.bucket_id`,
};
const DROP_VERSIONS = {
  name: 'expiry-drop-versions',
  text: `DELETE FROM versions v USING unnest((SELECT $1::text[])) AS x(id) WHERE v.id = decode(x.id, 'hex') AND v.visibility = 'hidden' AND NOT v.legal_hold
            AND coalesce(v.retain_until_ms, 0) < cs_now_ms() RETURNING v.slot_id, v.size, v.delete_marker, v.superseded_ms`,
};
const FORGET = {
  name: 'expiry-forget',
  text: `UPDATE slots s SET forgotten_ms = greatest(s.forgotten_ms, x.at) FROM (SELECT id, max(at) AS at FROM unnest((SELECT $1::bigint[]), (SELECT $2::bigint[])) AS y(id, at) GROUP BY id) x WHERE s.id = x.id`,
};
/** A name under which nothing is left. */
const DROP_SLOTS = {
  name: 'expiry-drop-slots',
  text: `DELETE FROM slots t USING unnest((SELECT $1::bigint[])) AS x(id) WHERE t.id = x.id AND NOT t.live AND t.version_id IS NULL
            AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.slot_id = t.id)`,
};

/**
 * A version's id begins with its time and never comes back, so a list whose version has gone is of nothing. A new object's list may come before its version: what is
 * young stays.
 */
const ACLS = {
  name: 'expiry-acls',
  text: `DELETE FROM object_acls WHERE version_id IN (
           SELECT a.version_id FROM object_acls a WHERE a.version_id < decode(lpad(to_hex(cs_now_ms() - $1::bigint), 12, '0'), 'hex')
              AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.id = a.version_id) ORDER BY a.version_id LIMIT $2)`,
};

/** The contract is ExpiryStore. */
export function createExpiryStore(database: Database): ExpiryStore {
  async function drop(session: Session, rows: [string, number, number, number][]): Promise<{ count: number; bytes: number }> {
    const buckets = [...new Set(rows.map(([, , bucket]) => bucket))];
    await session.query(LOCK_HEADS, [buckets]);
    const gone = await session.query<[number, number, boolean, number]>(DROP_VERSIONS, [rows.map(([id]) => id)]);
    await session.execute(FORGET, [gone.map(([slot]) => slot), gone.map(([, , , at]) => at)]);
    await session.execute(DROP_SLOTS, [[...new Set(rows.map(([, slot]) => slot))]]);
    const bucketOf = new Map(rows.map(([, slot, bucket]) => [slot, bucket]));
    const counts = new Map(buckets.map((bucket) => [bucket, { versions: 0, bytes: 0 }]));
    for (const [slot, size, deleteMarker] of gone) {
      const count = counts.get(bucketOf.get(slot) ?? 0);
      if (count === undefined || deleteMarker) continue;
      count.versions += 1;
      count.bytes += size;
    }
    const columns = [...counts.values()];
    await session.execute(TOUCH_HEADS, [
      [...counts.keys()],
      columns.map(({ versions }) => versions),
      columns.map(({ bytes }) => bytes),
    ]);
    return { count: gone.length, bytes: gone.reduce((sum, [, size]) => sum + size, 0) };
  }

  return {
    async uploads(olderMs) {
      const [[count] = [0]] = await database.query<[number]>(UPLOADS, [olderMs, UPLOADS_MAX]);
      return { count: count + (await database.execute(COMPLETED, [COMPLETED_MS, UPLOADS_MAX])) };
    },
    async rooms() {
      const [[count] = [0]] = await database.query<[number]>(ROOMS, [SILENT_MS]);
      return { count };
    },
    lists: async (olderMs) => ({ count: await database.execute(ACLS, [olderMs, VERSIONS_MAX]) }),
    async history(olderMs, bytesMax = Number.POSITIVE_INFINITY) {
      const found = await database.read<[string, number, number, number]>(HISTORY, [olderMs, VERSIONS_MAX]);
      let bytes = 0;
      const rows = found.filter(([, , , size]) => {
        const wanted = bytes < bytesMax;
        bytes += size;
        return wanted;
      });
      if (rows.length === 0) return { count: 0, bytes: 0 };
      return database.transaction((session) => drop(session, rows));
    },
    buckets: (days) => dropOver(database, days),
    async retain(days, from) {
      const { doomed, next } = await nextDoomed(database, days, from);
      if (doomed.length === 0) return { count: 0, bytes: 0, next };
      return { ...(await database.transaction((session) => drop(session, doomed))), next };
    },
  };
}
