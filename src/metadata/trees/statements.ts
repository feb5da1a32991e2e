import type { Statement } from '../database.ts';

/**
 * The set-based statements of tree operations. Every one works on a source range ($1 bucket, $2 low, $3 high or null for "to the end") or,
 * for one object, on an exact key. The heads of the buckets are locked before, so that nothing moves between two statements.
 */
export interface Shape {
  tree: boolean;
}

/** A version id as the gateway mints them (UUIDv7's layout), from the time and the server's own randomness. */
export const versionIdOf = (now: string) =>
  `set_byte(overlay(uuid_send(gen_random_uuid()) placing decode(lpad(to_hex(${now}::bigint), 12, '0'), 'hex') from 1 for 6), 6,
            (get_byte(uuid_send(gen_random_uuid()), 6) & 15) | 112)`;

const rangeOf = (alias: string, { tree }: Shape) =>
  tree
    ? `${alias}.bucket_id = $1 AND ${alias}.key >= $2 AND ($3::text IS NULL OR ${alias}.key < $3) AND ${alias}.live`
    : `${alias}.bucket_id = $1 AND ${alias}.key = $2 AND $3::text IS NULL AND ${alias}.live`;

/** $5 (the target's key) in place of the source's. */
const mapped = (alias: string) => `$5::text || substr(${alias}.key, char_length($2::text) + 1)`;

function pair(name: string, text: (shape: Shape) => string): { tree: Statement; one: Statement } {
  return {
    tree: { name: `tree-${name}`, text: text({ tree: true }) },
    one: { name: `tree-one-${name}`, text: text({ tree: false }) },
  };
}

/** Objects, bytes and the longest key in bytes. */
export const MEASURE = pair(
  'measure',
  (shape) =>
    `SELECT count(*), coalesce(sum(s.size), 0)::bigint, coalesce(max(octet_length(s.key)), 0) FROM slots s WHERE ${rangeOf('s', shape)}`,
);

/**
 * A bucket that never had versions, onto a free name: the slot itself is renamed, its history with it. $6: now. Gives how many, their bytes,
 * and what of their history leaves the bucket with them.
 */
export const RENAME = pair(
  'rename',
  (shape) => `WITH renamed AS (
      UPDATE slots s SET bucket_id = $4, key = ${mapped('s')} WHERE ${rangeOf('s', shape)}
         AND NOT EXISTS (SELECT 1 FROM slots t WHERE t.bucket_id = $4 AND t.key = ${mapped('s')})
      RETURNING s.id, s.key, s.size, s.version_id),
    named AS (
      INSERT INTO slot_names (slot_id, until_ms, bucket_id, key)
      SELECT id, $6, $1, $2::text || substr(key, char_length($5::text) + 1) FROM renamed ON CONFLICT DO NOTHING)
    SELECT count(*), coalesce(sum(r.size), 0)::bigint, coalesce(sum(h.n), 0)::bigint, coalesce(sum(h.z), 0)::bigint
      FROM renamed r LEFT JOIN LATERAL (
        SELECT count(*) AS n, sum(v.size) AS z FROM versions v
         WHERE $1::int <> $4::int AND v.slot_id = r.id AND NOT v.delete_marker AND v.id <> r.version_id) h ON true`,
);

/** What is current at the targets becomes history; $6: now, $7: how the new versions will be seen. */
export const SUPERSEDE_TARGETS = pair(
  'supersede-targets',
  (shape) => `UPDATE versions v
      SET superseded_ms = coalesce(v.superseded_ms, $6), moved = v.moved AND v.id <> t.version_id,
          visibility = CASE WHEN v.visibility = 'null' AND $7 = 'null' THEN 'hidden' ELSE v.visibility END
     FROM slots s JOIN slots t ON t.bucket_id = $4 AND t.key = ${mapped('s')}
    WHERE ${rangeOf('s', shape)} AND v.slot_id = t.id AND (v.id = t.version_id OR (v.visibility = 'null' AND $7 = 'null'))`,
);

/**
 * A new version at each target with the content of its source. $8: seq, $9: blocks of ids (two ids a row; a block of the value n is
 * n - 4095 … n), $10: the source's node goes along (move) or a new one is made, $11: dead properties go along, $12 and $13: retention. What is live at a target
 * keeps its node and its birth.
 */
export const WRITE_TARGETS = pair(
  'write-targets',
  (shape) => `WITH source AS MATERIALIZED (
      SELECT s.key, ${mapped('s')} AS target, s.node_id, s.size, s.etag, s.modified_ms, s.mtime_ms, s.created_ms, s.attributes, s.properties,
             v.tags, v.content, v.content_hash, ${versionIdOf('$6')} AS id, 2 * (row_number() OVER (ORDER BY s.key) - 1) AS n
        FROM slots s JOIN versions v ON v.id = s.version_id WHERE ${rangeOf('s', shape)}),
    written AS (
      INSERT INTO slots AS t (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                              created_ms, attributes, properties)
      SELECT ($9::bigint[])[n / 4096 + 1] - 4095 + n % 4096, $4, target, true, id, $7, false,
             CASE WHEN $10 THEN node_id ELSE ($9::bigint[])[n / 4096 + 1] - 4094 + n % 4096 END, size, etag, $6,
             CASE WHEN $10 OR mtime_ms <> modified_ms THEN mtime_ms ELSE $6 END, CASE WHEN $10 THEN created_ms ELSE $6 END,
             attributes, CASE WHEN $11 THEN properties END
        FROM source
      ON CONFLICT (bucket_id, key) DO UPDATE
         SET live = true, version_id = excluded.version_id, visibility = excluded.visibility, delete_marker = false,
             node_id = CASE WHEN t.live THEN t.node_id ELSE excluded.node_id END, size = excluded.size, etag = excluded.etag,
             modified_ms = excluded.modified_ms, mtime_ms = excluded.mtime_ms,
             created_ms = CASE WHEN t.live THEN t.created_ms ELSE excluded.created_ms END,
             attributes = excluded.attributes, properties = excluded.properties
      RETURNING t.id AS slot_id, t.version_id, t.node_id, t.mtime_ms, t.created_ms)
    INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes,
                          tags, content, content_hash, retention_mode, retain_until_ms)
    SELECT w.version_id, w.slot_id, $8, w.node_id, $7, false, source.size, source.etag, $6, w.mtime_ms, w.created_ms, source.attributes,
           source.tags, source.content, source.content_hash, $12, $13
      FROM written w JOIN source ON source.id = w.version_id`,
);

/** Only what will not be overwritten from another range: nothing gets two new versions in one commit. */
const spared = (bucket: string, key: string) => `(${bucket}::int IS NULL OR NOT EXISTS (
       SELECT 1 FROM slots o WHERE o.bucket_id = ${bucket} AND o.live AND o.key = ${key}::text || substr(s.key, char_length($2::text) + 1)))`;

/** What is live in the range becomes history: $8: it was carried elsewhere, $4: now, $7: `hidden` where there are no delete markers, else how those are seen. */
export const SUPERSEDE_LIVE = pair(
  'supersede-live',
  (shape) => `UPDATE versions v
      SET superseded_ms = coalesce(v.superseded_ms, $4), moved = CASE WHEN v.id = s.version_id THEN $8 ELSE v.moved END,
          visibility = CASE WHEN $7 = 'hidden' OR (v.visibility = 'null' AND $7 = 'null') THEN 'hidden' ELSE v.visibility END
     FROM slots s WHERE ${rangeOf('s', shape)} AND ${spared('$5', '$6')}
      AND v.slot_id = s.id AND (v.id = s.version_id OR (v.visibility = 'null' AND $7 = 'null'))`,
);

/** Without delete markers: nothing is current any more. */
export const VACATE = pair(
  'vacate',
  (
    shape,
  ) => `UPDATE slots s SET live = false, version_id = NULL, visibility = NULL, delete_marker = false, size = 0, properties = NULL
    WHERE ${rangeOf('s', shape)} AND ${spared('$4', '$5')}`,
);

/** With delete markers. $7: how they are seen, $8: seq. */
export const MARK_DELETED = pair(
  'mark-deleted',
  (shape) => `WITH gone AS (
      UPDATE slots s SET live = false, version_id = ${versionIdOf('$4')}, visibility = $7, delete_marker = true, size = 0, etag = '',
             modified_ms = $4, mtime_ms = $4, attributes = '{}', properties = NULL
       WHERE ${rangeOf('s', shape)} AND ${spared('$5', '$6')} RETURNING s.id, s.version_id, s.node_id, s.created_ms)
    INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes)
    SELECT version_id, id, $8, node_id, $7, true, 0, '', $4, $4, created_ms, '{}' FROM gone`,
);

/** A folder's marker, an empty object. $3: now, $4: visibility, $5 and $6: ids of slot and node, $7: seq, $8: content, $9: ETag, $10: the last version's. */
export const HIDE_NULL: Statement = {
  name: 'tree-hide-null',
  text: `UPDATE versions v SET superseded_ms = coalesce(v.superseded_ms, $3),
                visibility = CASE WHEN v.visibility = 'null' AND $4 = 'null' THEN 'hidden' ELSE v.visibility END
           FROM slots t WHERE t.bucket_id = $1 AND t.key = $2 AND v.slot_id = t.id
            AND (v.id = t.version_id OR (v.visibility = 'null' AND $4 = 'null'))`,
};
export const WRITE_MARKER: Statement = {
  name: 'tree-write-marker',
  text: `WITH written AS (
      INSERT INTO slots AS t (id, bucket_id, key, live, version_id, visibility, delete_marker, node_id, size, etag, modified_ms, mtime_ms,
                              created_ms, attributes)
      VALUES ($5, $1, $2, true, ${versionIdOf('$3')}, $4, false, $6, 0, $9, $3, $3, $3, '{}')
      ON CONFLICT (bucket_id, key) DO UPDATE
         SET live = true, version_id = excluded.version_id, visibility = excluded.visibility, delete_marker = false,
             node_id = excluded.node_id, size = 0, etag = excluded.etag, modified_ms = $3, mtime_ms = $3, created_ms = $3,
             attributes = '{}', properties = NULL
      RETURNING t.id, t.version_id, t.node_id)
    INSERT INTO versions (id, slot_id, seq, node_id, visibility, delete_marker, size, etag, modified_ms, mtime_ms, created_ms, attributes, content)
    SELECT version_id, id, $7, node_id, $4, false, 0, $9, $3, $3, $3, '{}', $8 FROM written RETURNING encode(id, 'hex')`,
};

/** Folders of a range, the root excepted. */
export const REMOVE_DIRECTORIES: Statement = {
  name: 'tree-remove-directories',
  text: `DELETE FROM directories WHERE bucket_id = $1 AND path >= $2 AND ($3::text IS NULL OR path < $3) AND path <> ''`,
};
/** Identity, properties and birth go with the folder. */
export const MOVE_DIRECTORIES: Statement = {
  name: 'tree-move-directories',
  text: `UPDATE directories SET bucket_id = $4, path = $5::text || substr(path, char_length($2::text) + 1), revision = revision + 1
          WHERE bucket_id = $1 AND path >= $2 AND path < $3`,
};
/** $7: only the folder itself, and then $9 are the bytes that come with it. */
export const COPY_DIRECTORIES: Statement = {
  name: 'tree-copy-directories',
  text: `INSERT INTO directories AS t (bucket_id, path, explicit, revision, modified_ms, created_ms, properties, bytes)
         SELECT $4, $5::text || substr(d.path, char_length($2::text) + 1), d.explicit, 1, $6, $6, CASE WHEN $8 THEN d.properties END, CASE WHEN $7 THEN $9 ELSE d.bytes END
           FROM directories d WHERE d.bucket_id = $1 AND d.path >= $2 AND ($3::text IS NULL OR d.path < $3) AND (NOT $7 OR d.path = $2)
         ON CONFLICT (bucket_id, path) DO UPDATE SET properties = excluded.properties, revision = t.revision + 1, modified_ms = $6`,
};
/** $5: the bytes that come below. */
export const ENSURE_DIRECTORIES: Statement = {
  name: 'tree-ensure-directories',
  text: `INSERT INTO directories AS t (bucket_id, path, explicit, revision, modified_ms, created_ms, bytes)
         SELECT $1, x.path, coalesce(x.path = $4, false), 1, $3, $3, $5 FROM unnest($2::text[]) AS x(path)
         ON CONFLICT (bucket_id, path) DO UPDATE
            SET revision = t.revision + 1, modified_ms = excluded.modified_ms, explicit = t.explicit OR excluded.explicit,
                bytes = t.bytes + excluded.bytes`,
};
/** $4: the bytes that go. */
export const TOUCH_DIRECTORIES: Statement = {
  name: 'tree-touch-directories',
  text: 'UPDATE directories SET revision = revision + 1, modified_ms = $3, bytes = bytes - $4 WHERE bucket_id = $1 AND path = ANY($2::text[])',
};
/** Folders of $2 in which no live key is left; the ends of their ranges are $3. */
export const DROP_EMPTY: Statement = {
  name: 'tree-drop-empty',
  text: `DELETE FROM directories d USING unnest($2::text[], $3::text[]) AS x(path, high) WHERE d.bucket_id = $1 AND d.path = x.path
            AND NOT EXISTS (SELECT 1 FROM slots s WHERE s.live AND s.bucket_id = $1 AND s.key >= x.path AND s.key < x.high COLLATE "C")`,
};
export const ANY_LIVE: Statement = {
  name: 'tree-any-live',
  text: `SELECT 1 FROM slots s WHERE s.bucket_id = $1 AND s.live AND s.key >= $2 AND s.key < $3 LIMIT 1`,
};

export const DROP_LOCKS: Statement = { name: 'tree-drop-locks', text: 'DELETE FROM locks WHERE token = ANY($1::text[])' };
