import type { MeasureProgress } from '#contracts/usage';
import type { Clock } from '#core/clock';
import type { Database, Session } from './database.ts';

const OF_DOMAIN = { name: 'measure-buckets', text: 'SELECT id FROM buckets WHERE domain = $1 ORDER BY 1' };
/** The bytes below each folder: where they are not known, or were kept wrongly, they are as counted. */
const COUNT_FOLDERS = { name: 'measure-folders', text: 'SELECT cs_count_folders($1)' };
/** All that follows sees the store as of one moment, however long it takes. */
const SNAPSHOT = { name: 'measure-snapshot', text: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ' };
/** Large joins are hashed; the pool's settings are for look-ups of single rows. */
const HASH_JOINS = {
  name: 'measure-joins',
  text: `SELECT set_config('enable_hashjoin', 'on', true), set_config('enable_seqscan', 'on', true)`,
};
const HEADS = {
  name: 'measure-heads',
  text: `SELECT b.id, h.revision, h.history_versions, h.history_bytes, h.objects + h.history_versions
           FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id WHERE b.domain = $1 ORDER BY 1`,
};
const REFS = { name: 'measure-refs', text: 'CREATE TEMPORARY TABLE measured_refs (bucket_id int, id bytea) ON COMMIT DROP' };
/** The names from `$2` on, so many of them: the last one, how many versions they have, and the bytes of those that lie in the database. */
const WINDOW = {
  name: 'measure-window',
  text: `WITH names AS (SELECT s.id, s.key FROM slots s WHERE s.bucket_id = $1 AND s.key > $2 COLLATE "C" ORDER BY s.key LIMIT $4),
    named AS MATERIALIZED (
      SELECT v.content, v.size FROM names n JOIN versions v ON v.slot_id = n.id WHERE v.content IS NOT NULL AND cs_uint32(v.content, 2) = $3),
    leaf_ids AS (SELECT DISTINCT x.id FROM named n CROSS JOIN LATERAL cs_leaf_ids(n.content) AS x(id) WHERE get_byte(n.content, 1) = 3),
    added AS (
      INSERT INTO measured_refs
      SELECT $1, substring(content FROM 15 FOR 32) FROM named WHERE get_byte(content, 1) = 2
      UNION SELECT $1, x.id FROM leaf_ids i JOIN leaves l ON l.domain = $3 AND l.id = i.id CROSS JOIN LATERAL cs_chunk_ids(l.entries) AS x(id)
      RETURNING 1)
    SELECT (SELECT max(key) FROM names), (SELECT count(*) FROM named), coalesce((SELECT sum(size) FROM named WHERE get_byte(content, 1) < 2), 0)::bigint,
           (SELECT count(*) FROM added)`,
};
/** Ids are hashes: by their first bytes they fall into slices of one size. */
const SLICE = {
  name: 'measure-slice',
  text: `WITH refs AS (
      SELECT DISTINCT bucket_id, id FROM measured_refs WHERE get_byte(id, 0) * 256 + get_byte(id, 1) >= $2 AND get_byte(id, 0) * 256 + get_byte(id, 1) < $3),
    held AS (SELECT r.bucket_id, c.length, count(*) OVER (PARTITION BY r.id) AS holders FROM refs r JOIN chunks c ON c.domain = $1 AND c.id = r.id)
    SELECT bucket_id, coalesce(sum(length) FILTER (WHERE holders = 1), 0)::bigint, coalesce(sum(length) FILTER (WHERE holders > 1), 0)::bigint,
           count(*) FILTER (WHERE holders = 1), count(*) FILTER (WHERE holders > 1) FROM held GROUP BY 1`,
};
/** What was removed meanwhile is left out. */
const KEEP = {
  name: 'measure-keep',
  text: `INSERT INTO bucket_space AS t (bucket_id, own_bytes, shared_bytes, own_chunks, shared_chunks, inline_bytes, revision, history_versions, history_bytes,
                                       siblings, took_ms, measured_ms)
    SELECT x.b, x.own, x.shared, x.oc, x.sc, x.inline, x.r, x.hn, x.hz, $2, $3, $4
      FROM json_to_recordset($1::json) AS x(b int, own bigint, shared bigint, oc bigint, sc bigint, inline bigint, r bigint, hn bigint, hz bigint)
      JOIN buckets b ON b.id = x.b ORDER BY x.b FOR KEY SHARE OF b
    ON CONFLICT (bucket_id) DO UPDATE
       SET own_bytes = excluded.own_bytes, shared_bytes = excluded.shared_bytes, own_chunks = excluded.own_chunks, shared_chunks = excluded.shared_chunks,
           inline_bytes = excluded.inline_bytes, revision = excluded.revision, history_versions = excluded.history_versions,
           history_bytes = excluded.history_bytes, siblings = excluded.siblings, took_ms = excluded.took_ms, measured_ms = excluded.measured_ms`,
};

const WINDOW_NAMES = 20_000;
const SLICE_REFS = 500_000;
const SLICES_MAX = 256;
const PREFIXES = 65_536;

interface Found {
  b: number;
  own: number;
  shared: number;
  oc: number;
  sc: number;
  inline: number;
  r: number;
  hn: number;
  hz: number;
}

export interface MeasureDeps {
  database: Database;
  clock: Clock;
  /** Names that are looked at by one statement. Default 20,000. */
  windowNames?: number;
}

/**
 * Counts what every bucket of a domain refers to, as of one moment: windows of names, whose pieces go into a temporary table, and then the distinct ones
 * of them, in slices. Nobody waits for it; between two statements it can be ended.
 * @returns how many buckets
 */
export async function measureDomain(
  { database, clock, windowNames = WINDOW_NAMES }: MeasureDeps,
  domain: number,
  { signal, progress }: MeasureProgress = {},
): Promise<number> {
  const begun = clock.now();
  for (const [bucket] of await database.read<[number]>(OF_DOMAIN, [domain])) {
    signal?.throwIfAborted();
    await database.transaction(async (session) => {
      await session.query(HASH_JOINS);
      await session.execute(COUNT_FOLDERS, [bucket]);
    });
  }
  const { found, at } = await database.transaction(async (session) => {
    await session.execute(SNAPSHOT);
    await session.query(HASH_JOINS);
    const at = clock.now();
    const heads = await session.query<[number, number, number, number, number]>(HEADS, [domain]);
    const found = heads.map(([b, r, hn, hz]): Found => ({ b, own: 0, shared: 0, oc: 0, sc: 0, inline: 0, r, hn, hz }));
    const total = heads.reduce((sum, [, , , , versions]) => sum + versions, 0);
    await session.execute(REFS);
    let versions = 0;
    let refs = 0;
    for (const one of found) {
      for (let after: string | null = ''; after !== null; ) {
        signal?.throwIfAborted();
        const window: Window = await windowOf(session, one.b, after, domain, windowNames);
        after = window.last;
        versions += window.versions;
        one.inline += window.inline;
        refs += window.refs;
        progress?.({ versions, total });
      }
    }
    await countPieces(session, domain, found, refs, signal);
    return { found, at };
  });
  await database.execute(KEEP, [JSON.stringify(found), found.length, Math.max(0, clock.now() - begun), at]);
  return found.length;
}

interface Window {
  last: string | null;
  versions: number;
  inline: number;
  refs: number;
}

async function windowOf(session: Session, bucket: number, after: string, domain: number, names: number): Promise<Window> {
  const rows = await session.query<[string | null, number, number, number]>(WINDOW, [bucket, after, domain, names]);
  const [last, versions, inline, refs] = rows[0]!;
  return { last, versions, inline, refs };
}

async function countPieces(
  session: Session,
  domain: number,
  found: readonly Found[],
  refs: number,
  signal?: AbortSignal,
): Promise<void> {
  const byBucket = new Map(found.map((one) => [one.b, one]));
  const slices = Math.min(SLICES_MAX, Math.ceil(refs / SLICE_REFS));
  for (let n = 0; n < slices; n++) {
    signal?.throwIfAborted();
    const range = [Math.floor((n * PREFIXES) / slices), Math.floor(((n + 1) * PREFIXES) / slices)];
    for (const [bucket, own, shared, oc, sc] of await session.query<number[]>(SLICE, [domain, ...range])) {
      const one = byBucket.get(bucket!)!;
      one.own += own!;
      one.shared += shared!;
      one.oc += oc!;
      one.sc += sc!;
    }
  }
}
