import type { Statement } from '../database.ts';
import { versionIdOf } from '../trees/statements.ts';

/**
 * What a restore will do, a row for each name: the version that comes back (NULL: what has come since goes), of which slot, and to which key. A table
 * of the connection, emptied by every commit.
 */
export const PREPARE: Statement = {
  name: 'restore-prepare',
  text: `CREATE TEMP TABLE IF NOT EXISTS cs_restored (
           n bigint GENERATED ALWAYS AS IDENTITY, target text COLLATE "C" NOT NULL, version bytea, slot_id bigint NOT NULL, occupied boolean NOT NULL DEFAULT false,
           had bigint NOT NULL DEFAULT 0
         ) ON COMMIT DELETE ROWS`,
};
export const ANALYZE: Statement = { name: 'restore-analyze', text: 'ANALYZE cs_restored' };

/** $1 bucket, $2 low, $3 high, $4 after (exclusive), $5 the last name of the window or null; a target is $6 and what follows the low. */
const within = (name: string) =>
  `${name} >= $2 AND ($3::text IS NULL OR ${name} < $3) AND ($4 = '' OR ${name} > $4) AND ($5::text IS NULL OR ${name} <= $5)`;
const target = (name: string) => `$6::text || substr(${name}, char_length($2::text) + 1)`;

/** The key of the last name in a window; `dead`: only what is deleted counts. No row: it is less than a window. */
export const BOUND = (dead: boolean): Statement => ({
  name: dead ? 'restore-bound-dead' : 'restore-bound',
  text: `SELECT s.key FROM slots s WHERE s.bucket_id = $1 AND s.key >= $2 AND ($3::text IS NULL OR s.key < $3) AND ($4 = '' OR s.key > $4)
            ${dead ? 'AND NOT s.live' : ''} ORDER BY s.key OFFSET $5 LIMIT 1`,
});

export const FILL_VERSION: Statement = {
  name: 'restore-fill-version',
  text: `INSERT INTO cs_restored (target, version, slot_id)
         SELECT $4, v.id, s.id FROM slots s JOIN versions v ON v.slot_id = s.id
          WHERE s.bucket_id = $1 AND s.key = $2 AND v.id = decode($3, 'hex') AND NOT v.delete_marker`,
};

/** $7 and $8: deleted from when to when. One file where $9. */
export const FILL_DELETED: Statement = {
  name: 'restore-fill-deleted',
  text: `INSERT INTO cs_restored (target, version, slot_id)
         SELECT ${target('s.key')}, v.id, s.id
           FROM slots s CROSS JOIN LATERAL (
             SELECT w.id, w.superseded_ms, w.moved FROM versions w WHERE w.slot_id = s.id AND NOT w.delete_marker ORDER BY w.seq DESC, w.id DESC LIMIT 1) v
          WHERE s.bucket_id = $1 AND NOT s.live AND NOT v.moved AND CASE WHEN $9 THEN s.key = $2 ELSE ${within('s.key')} END
            AND ($7::bigint IS NULL OR v.superseded_ms >= $7) AND ($8::bigint IS NULL OR v.superseded_ms <= $8)
          ORDER BY s.key`,
};

/**
 * $7: the time, $8: what has come since goes. Each slot has the name that it had then; of what was renamed away since, it is not known by its
 * own. Where the version of then may have been let go, what is there stays: nobody knows what it was.
 */
export const FILL_AS_OF: Statement = {
  name: 'restore-fill-as-of',
  text: `WITH candidates AS (
      SELECT s.id, s.key, s.live, s.forgotten_ms, s.bucket_id FROM slots s WHERE s.bucket_id = $1 AND ${within('s.key')}
      UNION
      SELECT s.id, s.key, s.live, s.forgotten_ms, s.bucket_id FROM slot_names n JOIN slots s ON s.id = n.slot_id
       WHERE n.bucket_id = $1 AND n.until_ms > $7 AND ${within('n.key')}),
    past AS MATERIALIZED (
      SELECT c.*, coalesce(n.bucket_id, c.bucket_id) AS then_bucket, coalesce(n.key, c.key) AS then_key, v.id AS then_version, coalesce(v.alive, false) AS alive
        FROM candidates c
        LEFT JOIN LATERAL (SELECT x.bucket_id, x.key FROM slot_names x WHERE x.slot_id = c.id AND x.until_ms > $7 ORDER BY x.until_ms LIMIT 1) n ON true
        LEFT JOIN LATERAL (
          SELECT w.id, NOT w.delete_marker AND coalesce(w.superseded_ms > $7, true) AS alive FROM versions w
           WHERE w.slot_id = c.id AND w.modified_ms <= $7 ORDER BY w.seq DESC, w.id DESC LIMIT 1) v ON true),
    wanted AS (SELECT p.then_key AS key, p.then_version AS version, p.id FROM past p WHERE p.alive AND p.then_bucket = $1 AND ${within('p.then_key')}),
    current AS (
      SELECT p.key, p.id, coalesce(p.forgotten_ms > $7, false) AS unknown
        FROM past p WHERE p.live AND p.bucket_id = $1 AND ${within('p.key')})
    INSERT INTO cs_restored (target, version, slot_id)
    SELECT ${target('coalesce(w.key, c.key)')}, w.version, coalesce(w.id, c.id)
      FROM wanted w FULL JOIN current c ON c.key = w.key
     WHERE w.key IS NOT NULL OR ($8 AND NOT c.unknown)
     ORDER BY coalesce(w.key, c.key)`,
};

/** What is at a target already as it is to be: $1 bucket. */
export const DROP_UNCHANGED: Statement = {
  name: 'restore-drop-unchanged',
  text: `DELETE FROM cs_restored r USING slots t, versions v, versions w
          WHERE r.version IS NOT NULL AND t.bucket_id = $1 AND t.key = r.target AND t.live AND v.id = t.version_id AND w.id = r.version
            AND (v.id = w.id OR (v.content = w.content AND v.etag = w.etag AND v.attributes = w.attributes AND v.mtime_ms = w.mtime_ms))`,
};
export const MARK_OCCUPIED: Statement = {
  name: 'restore-mark-occupied',
  text: `UPDATE cs_restored r SET occupied = true FROM slots t WHERE r.version IS NOT NULL AND t.bucket_id = $1 AND t.key = r.target AND t.live`,
};
export const FIRST_OCCUPIED: Statement = {
  name: 'restore-first-occupied',
  text: 'SELECT target, count(*) OVER () FROM cs_restored WHERE occupied ORDER BY target LIMIT 1',
};
export const DROP_OCCUPIED: Statement = { name: 'restore-drop-occupied', text: 'DELETE FROM cs_restored WHERE occupied' };
/**
 * `a/b.txt` comes as `a/b (restored $2).txt`, or with the first digits of its version, where that is taken too. A folder's marker that is there is the
 * same folder: nothing is to be said beside it.
 */
export const RENAME_OCCUPIED: Statement = {
  name: 'restore-rename-occupied',
  text: `WITH named AS (
      SELECT r.n, regexp_replace(r.target, '^(.*/)?([^/]+?)(\\.[^./]{1,16})?$', '\\1\\2 (restored ' || $2::text || ')\\3') AS plain,
             regexp_replace(r.target, '^(.*/)?([^/]+?)(\\.[^./]{1,16})?$', '\\1\\2 (restored ' || $2::text || ' ' || right(encode(r.version, 'hex'), 12) || ')\\3') AS unlike
        FROM cs_restored r WHERE r.occupied)
    UPDATE cs_restored r SET target = CASE WHEN EXISTS (SELECT 1 FROM slots t WHERE t.bucket_id = $1 AND t.key = x.plain AND t.live) THEN x.unlike ELSE x.plain END
      FROM named x WHERE x.n = r.n`,
};
export const DROP_MARKERS: Statement = {
  name: 'restore-drop-markers',
  text: `DELETE FROM cs_restored WHERE occupied AND target LIKE '%/'`,
};
/** How many rows, how many bytes they bring, how many go, the longest key, and the first. */
export const COUNT: Statement = {
  name: 'restore-count',
  text: `SELECT count(*) FILTER (WHERE r.version IS NOT NULL), coalesce(sum(v.size), 0)::bigint, count(*) FILTER (WHERE r.version IS NULL),
                count(*) FILTER (WHERE r.occupied), coalesce(max(octet_length(r.target)), 0), min(r.target)
           FROM cs_restored r LEFT JOIN versions v ON v.id = r.version`,
};

/** What is live at the targets, in bytes. */
export const MEASURE_TARGETS: Statement = {
  name: 'restore-measure-targets',
  text: 'UPDATE cs_restored r SET had = t.size FROM slots t WHERE t.bucket_id = $1 AND t.key = r.target AND t.live',
};

/** What has come since goes into history. $1 bucket, $2 now, $3: how delete markers are seen, or `hidden` where there are none. */
export const SUPERSEDE_GONE: Statement = {
  name: 'restore-supersede-gone',
  text: `UPDATE versions v SET superseded_ms = coalesce(v.superseded_ms, $2), moved = false,
                visibility = CASE WHEN $3 = 'hidden' OR (v.visibility = 'null' AND $3 = 'null') THEN 'hidden' ELSE v.visibility END
           FROM cs_restored r JOIN slots s ON s.bucket_id = $1 AND s.key = r.target AND s.live
          WHERE r.version IS NULL AND v.slot_id = s.id AND (v.id = s.version_id OR (v.visibility = 'null' AND $3 = 'null'))`,
};
const GONE = 'FROM cs_restored r WHERE r.version IS NULL AND s.bucket_id = $1 AND s.key = r.target AND s.live';
export const VACATE_GONE: Statement = {
  name: 'restore-vacate-gone',
  text: `WITH before AS MATERIALIZED (SELECT s.size ${GONE.replace('FROM cs_restored r', 'FROM cs_restored r, slots s')}),
    gone AS (UPDATE slots s SET live = false, version_id = NULL, visibility = NULL, delete_marker = false, size = 0, properties = NULL ${GONE})
    SELECT count(*), coalesce(sum(size), 0)::bigint FROM before`,
};
/** $2 now, $3 visibility, $4 seq. */
export const MARK_GONE: Statement = {
  name: 'restore-mark-gone',
  text: `WITH before AS MATERIALIZED (SELECT s.size ${GONE.replace('FROM cs_restored r', 'FROM cs_restored r, slots s')}),
    gone AS (
      UPDATE slots s SET live = false, version_id = ${versionIdOf('$2')}, visibility = $3, delete_marker = true, size = 0, etag = '', modified_ms = $2,
             mtime_ms = $2, attributes = '{}', properties = NULL ${GONE} RETURNING s.id, s.version_id, s.node_id, s.created_ms),
    marked AS (
      INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes)
      SELECT version_id, id, $4, node_id, $3, true, 0, '', $2, $2, created_ms, '{}' FROM gone)
    SELECT count(*), coalesce(sum(size), 0)::bigint FROM before`,
};

/** What is at the targets becomes history: how many live ones and their bytes. $1 bucket, $2 now, $3: how what comes is seen. */
export const SUPERSEDE: Statement = {
  name: 'restore-supersede',
  text: `WITH before AS MATERIALIZED (
      SELECT t.id, t.version_id, t.live, t.size FROM cs_restored r JOIN slots t ON t.bucket_id = $1 AND t.key = r.target WHERE r.version IS NOT NULL),
    hidden AS (
      UPDATE versions v SET superseded_ms = coalesce(v.superseded_ms, $2), moved = v.moved AND v.id <> b.version_id,
             visibility = CASE WHEN v.visibility = 'null' AND $3 = 'null' THEN 'hidden' ELSE v.visibility END
        FROM before b WHERE v.slot_id = b.id AND (v.id = b.version_id OR (v.visibility = 'null' AND $3 = 'null')))
    SELECT count(*), coalesce(sum(size), 0)::bigint FROM before WHERE live`,
};
/**
 * $1 bucket, $2 now, $3 visibility, $4 seq, $5 blocks of ids (two ids a row), $6: also a file that was renamed since is the same one again, $7 and $8:
 * retention. What comes back where it was is the same file as before. A file that is there keeps its dead properties; else what comes brings those that it had.
 */
export const WRITE: Statement = {
  name: 'restore-write',
  text: `WITH source AS MATERIALIZED (
      SELECT r.target, r.slot_id, v.node_id, v.size, v.etag, v.mtime_ms, v.created_ms, v.attributes, v.properties, v.tags, v.content, v.content_hash,
             ${versionIdOf('$2')} AS id, 2 * (row_number() OVER (ORDER BY r.n) - 1) AS n,
             NOT o.live AND ($6 OR (o.bucket_id = $1 AND o.key = r.target)) AS again
        FROM cs_restored r JOIN versions v ON v.id = r.version JOIN slots o ON o.id = r.slot_id WHERE r.version IS NOT NULL),
    written AS (
      INSERT INTO slots AS t (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                              created_ms, attributes, properties)
      SELECT ($5::bigint[])[n / 4096 + 1] - 4095 + n % 4096, $1, target, true, id, $3, false,
             CASE WHEN again THEN node_id ELSE ($5::bigint[])[n / 4096 + 1] - 4094 + n % 4096 END, size, etag, $2, mtime_ms,
             CASE WHEN again THEN created_ms ELSE $2 END, attributes, CASE WHEN target NOT LIKE '%/' THEN properties END
        FROM source
      ON CONFLICT (bucket_id, key) DO UPDATE
         SET live = true, version_id = excluded.version_id, visibility = excluded.visibility, delete_marker = false,
             node_id = CASE WHEN t.live THEN t.node_id ELSE excluded.node_id END, size = excluded.size, etag = excluded.etag,
             modified_ms = excluded.modified_ms, mtime_ms = excluded.mtime_ms,
             created_ms = CASE WHEN t.live THEN t.created_ms ELSE excluded.created_ms END, attributes = excluded.attributes,
             properties = CASE WHEN t.live THEN t.properties ELSE excluded.properties END
      RETURNING t.id AS slot_id, t.version_id, t.node_id, t.created_ms),
    kept AS (
      INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes,
                            tags, content, content_hash, retention_mode, retain_until_ms)
      SELECT w.version_id, w.slot_id, $4, w.node_id, $3, false, s.size, s.etag, $2, s.mtime_ms, w.created_ms, s.attributes, s.tags, s.content,
             s.content_hash, $7, $8
        FROM written w JOIN source s ON s.id = w.version_id)
    SELECT encode(id, 'hex'), size, etag FROM source LIMIT 1`,
};

/** Every folder above what came or went moves, by its bytes, and exists where something came. $1 bucket, $2 now. */
export const ENSURE_DIRECTORIES: Statement = {
  name: 'restore-ensure-directories',
  text: `WITH RECURSIVE up(path, bytes) AS (
           SELECT cs_parent(r.target), sum(coalesce(v.size, 0) - r.had) FROM cs_restored r LEFT JOIN versions v ON v.id = r.version GROUP BY 1
           UNION ALL SELECT cs_parent(path), bytes FROM up WHERE path <> '')
         INSERT INTO directories AS t (bucket_id, path, explicit, revision, modified_ms, created_ms, properties, bytes)
         SELECT $1, x.path, bool_or(x.explicit), 1, $2, $2, (array_agg(x.properties) FILTER (WHERE x.properties IS NOT NULL))[1], sum(x.bytes)::bigint
           FROM (SELECT path, false AS explicit, NULL::jsonb AS properties, bytes FROM up
                 UNION ALL SELECT r.target, true, v.properties, v.size - r.had FROM cs_restored r JOIN versions v ON v.id = r.version WHERE r.target LIKE '%/') x
          GROUP BY x.path ORDER BY x.path COLLATE "C"
         ON CONFLICT (bucket_id, path) DO UPDATE
            SET revision = t.revision + 1, modified_ms = excluded.modified_ms, explicit = t.explicit OR excluded.explicit,
                properties = coalesce(t.properties, excluded.properties), bytes = t.bytes + excluded.bytes`,
};
export const CLEAR_EXPLICIT: Statement = {
  name: 'restore-clear-explicit',
  text: `UPDATE directories d SET explicit = false, bytes = d.bytes - r.had FROM cs_restored r
          WHERE r.version IS NULL AND r.target LIKE '%/' AND d.bucket_id = $1 AND d.path = r.target`,
};
/** Folders of what went in which nothing is left. */
export const DROP_EMPTY: Statement = {
  name: 'restore-drop-empty',
  text: `WITH RECURSIVE up(path) AS (
           SELECT DISTINCT CASE WHEN target LIKE '%/' THEN target ELSE cs_parent(target) END FROM cs_restored WHERE version IS NULL
           UNION SELECT cs_parent(path) FROM up WHERE path <> '')
         DELETE FROM directories d USING up WHERE d.bucket_id = $1 AND d.path = up.path AND up.path <> ''
            AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.bucket_id = $1 AND s.live AND s.key >= up.path COLLATE "C" AND s.key < (left(up.path, -1) || '0') COLLATE "C")`,
};
export const TOPS_ONE: Statement = {
  name: 'restore-one',
  text: 'SELECT target FROM cs_restored WHERE version IS NOT NULL LIMIT 1',
};
/** The first names under the root, each with whether it is a folder. */
export const TOPS: Statement = {
  name: 'restore-tops',
  text: `SELECT DISTINCT CASE WHEN strpos(target, '/') > 0 THEN left(target, strpos(target, '/')) ELSE target END FROM cs_restored LIMIT $1`,
};
