import type { PurgeIntent, PurgeVerdict, Window } from '#contracts/history-store';
import { CloudStoreError } from '#core/errors';
import type { Database, Session, Statement } from '../database.ts';
import { endOf } from '../rows.ts';
import { isTree } from '../trees/entries.ts';
import { unlessGone } from '../unless-gone.ts';
import { HELD } from './rows.ts';

/** Whatever changes a bucket takes its head first. */
const LOCK_HEAD: Statement = { name: 'purge-lock-head', text: 'SELECT 1 FROM bucket_heads WHERE bucket_id = $1 FOR UPDATE' };
const MOVE_HEAD: Statement = {
  name: 'purge-move-head',
  text: `UPDATE bucket_heads SET revision = revision + 1, history_versions = history_versions - $2, history_bytes = history_bytes - $3 WHERE bucket_id = $1`,
};
const RANGE = `s.bucket_id = $1 AND CASE WHEN $6 THEN s.key = $2 ELSE s.key >= $2 AND ($3::text IS NULL OR s.key < $3) AND ($4 = '' OR s.key > $4)
    AND ($5::text IS NULL OR s.key <= $5) END`;
const BOUND = (dead: boolean): Statement => ({
  name: dead ? 'purge-bound-dead' : 'purge-bound',
  text: `SELECT s.key FROM slots s WHERE s.bucket_id = $1 AND s.key >= $2 AND ($3::text IS NULL OR s.key < $3) AND ($4 = '' OR s.key > $4)
            ${dead ? 'AND NOT s.live' : 'AND s.live'} ORDER BY s.key OFFSET $5 LIMIT 1`,
});
/** What went: content versions, their bytes, how many were held. A delete marker stays on top of what is held. */
const DELETED: Statement = {
  name: 'purge-deleted',
  text: `WITH doomed AS MATERIALIZED (
      SELECT s.id, s.version_id, EXISTS (SELECT 1 FROM versions v WHERE v.slot_id = s.id AND ${HELD('v')}) AS holds
        FROM slots s WHERE ${RANGE} AND NOT s.live
         AND (($7::bigint IS NULL AND $8::bigint IS NULL) OR (
           SELECT coalesce(w.superseded_ms >= $7, true) AND coalesce(w.superseded_ms <= $8, true) FROM versions w
            WHERE w.slot_id = s.id AND NOT w.delete_marker ORDER BY w.seq DESC, w.id DESC LIMIT 1))),
    gone AS (
      DELETE FROM versions v USING doomed d
       WHERE v.slot_id = d.id AND NOT ${HELD('v')} AND (NOT d.holds OR v.id IS DISTINCT FROM d.version_id) RETURNING v.size, v.delete_marker)
    SELECT (SELECT count(*) FROM gone WHERE NOT delete_marker), (SELECT coalesce(sum(size), 0)::bigint FROM gone),
           (SELECT count(*) FROM versions v JOIN doomed d ON v.slot_id = d.id WHERE d.holds AND ${HELD('v')})`,
};
const DROP_SLOTS: Statement = {
  name: 'purge-drop-slots',
  text: `DELETE FROM slots s WHERE ${RANGE} AND NOT s.live AND NOT EXISTS (SELECT 1 FROM versions v WHERE v.slot_id = s.id)`,
};
const HISTORY: Statement = {
  name: 'purge-history',
  text: `WITH old AS MATERIALIZED (
      SELECT v.id, v.slot_id, v.superseded_ms, ${HELD('v')} AS held FROM slots s JOIN versions v ON v.slot_id = s.id
       WHERE ${RANGE} AND s.live AND v.visibility = 'hidden' AND v.id <> s.version_id),
    gone AS (DELETE FROM versions v USING old WHERE v.id = old.id AND NOT old.held RETURNING v.size, v.delete_marker),
    forgotten AS (
      UPDATE slots t SET forgotten_ms = greatest(t.forgotten_ms, x.at)
        FROM (SELECT slot_id, max(superseded_ms) AS at FROM old WHERE NOT held GROUP BY 1) x WHERE t.id = x.slot_id)
    SELECT (SELECT count(*) FROM gone WHERE NOT delete_marker), (SELECT coalesce(sum(size), 0)::bigint FROM gone), (SELECT count(*) FROM old WHERE held)`,
};
const FIND: Statement = {
  name: 'purge-find',
  text: `SELECT v.id IS NOT DISTINCT FROM s.version_id, ${HELD('v')}, v.size, v.delete_marker FROM slots s JOIN versions v ON v.slot_id = s.id
          WHERE s.bucket_id = $1 AND s.key = $2 AND v.id = decode($3, 'hex')`,
};
const DROP: Statement = {
  name: 'purge-drop',
  text: `WITH gone AS (DELETE FROM versions WHERE id = decode($1, 'hex') RETURNING slot_id, superseded_ms)
         UPDATE slots t SET forgotten_ms = greatest(t.forgotten_ms, g.superseded_ms) FROM gone g WHERE t.id = g.slot_id`,
};
/** Large joins are hashed; the pool's setting is for look-ups of single rows. */
const HASH_JOINS: Statement = { name: 'purge-hash-joins', text: 'SET LOCAL enable_hashjoin = on' };

export function purge(database: Database, intent: PurgeIntent, window: Window, signal?: AbortSignal): Promise<PurgeVerdict> {
  return database.transaction((session) => unlessGone(database, session, signal, () => purgeIn(session, intent, window)));
}

async function purgeIn(session: Session, { bucket, what }: PurgeIntent, window: Window): Promise<PurgeVerdict> {
  if ((await session.query(LOCK_HEAD, [bucket])).length === 0) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
  if (what.kind === 'version') return purgeVersion(session, bucket, what.key, what.version);
  await session.execute(HASH_JOINS);
  const single = !isTree(what.key);
  const next = single ? null : await purgeBound(session, { bucket, what }, window);
  const range = [bucket, what.key, endOf(single ? `${what.key}/` : what.key), window.after, next, single];
  const rows =
    what.kind === 'deleted'
      ? await session.query<[number, number, number]>(DELETED, [...range, what.since ?? null, what.until ?? null])
      : await session.query<[number, number, number]>(HISTORY, range);
  if (what.kind === 'deleted') await session.execute(DROP_SLOTS, range);
  const [versions, bytes, held] = rows[0]!;
  await session.execute(MOVE_HEAD, [bucket, versions, bytes]);
  return { versions, bytes, held, next };
}

export async function purgeBound(
  session: Session,
  { bucket, what }: PurgeIntent,
  { after, names }: Window,
): Promise<string | null> {
  const rows = await session.query<[string]>(BOUND(what.kind === 'deleted'), [
    bucket,
    what.key,
    endOf(what.key),
    after,
    names - 1,
  ]);
  return rows[0]?.[0] ?? null;
}

async function purgeVersion(session: Session, bucket: number, key: string, version: string): Promise<PurgeVerdict> {
  const [found] = await session.query<[boolean, boolean, number, boolean]>(FIND, [bucket, key, version]);
  if (found === undefined) throw new CloudStoreError('version_not_found', 'There is no such version.');
  const [current, held, size, deleteMarker] = found;
  if (current) throw new CloudStoreError('conflict', 'The version is the current one; delete the file instead.');
  if (held) throw new CloudStoreError('object_locked', 'The version is under retention or legal hold.');
  await session.execute(DROP, [version]);
  await session.execute(DROP_SLOTS, [bucket, key, null, '', null, true]);
  const versions = deleteMarker ? 0 : 1;
  await session.execute(MOVE_HEAD, [bucket, versions, size]);
  return { versions, bytes: size, held: 0, next: null };
}
