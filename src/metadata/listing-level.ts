import type { ListEntry, ListQuery } from '#contracts/metadata-store';
import { type BucketId, KEY_BYTES_MAX } from '#core/address';
import type { ObjectInfo } from '#core/object';
import type { Statement } from './database.ts';
import { directoryOf, SLOT_COLUMNS, type SlotRow } from './rows.ts';

/** An object and null; or a folder: its own columns in the place of an object's (null where it was not asked for), and its path. */
export type LevelRow = ObjectRow | FolderRow;
type ObjectRow = [...SlotRow, null];
type FolderRow = [null, null, string | null, number, number, string | null, number, null, number, null, string | null, string];

/** Greater than every key: one more of the last code point than a key can hold. */
const AFTER_ALL = '\u{10ffff}'.repeat(KEY_BYTES_MAX / 4 + 1);

const FOLDER_COLUMNS = `d.explicit::text AS explicit, d.id, d.revision, encode(uuid_send(d.identity), 'hex') AS identity, d.modified_ms, d.created_ms,
  d.properties`;
const FOLDER_NOTHING = `NULL::text AS explicit, NULL::bigint AS id, NULL::bigint AS revision, NULL::text AS identity, NULL::bigint AS modified_ms,
  NULL::bigint AS created_ms, NULL::jsonb AS properties`;

/**
 * One level of a bucket: the folders there are rows of `directories` (one exists for every prefix with live keys), and what
 * lies beside them is read gap by gap: from the end of one folder's keys to the next folder. So a page costs one range scan
 * and one seek for each of its folders, whatever they hold. `ORDER BY` follows the loop, so that nothing but a gap is sorted
 * and the limit ends the work.
 */
function levelText(folderColumns: string): string {
  return `
WITH folders AS MATERIALIZED (
  SELECT d.path, ${folderColumns} FROM directories d
   WHERE d.bucket_id = $1 AND length(d.path) - length(replace(d.path, '/', '')) = $2 AND d.path > $3 AND d.path < $4
   ORDER BY d.path LIMIT $7),
gaps AS (
  SELECT f.*, left(f.path, -1) || '0' AS start, lead(f.path, 1, $4) OVER (ORDER BY f.path) AS ending FROM folders f
  UNION ALL
  SELECT '', NULL, NULL, NULL, NULL, NULL, NULL, NULL, $5, coalesce((SELECT min(path) FROM folders), $4))
SELECT e.*
  FROM gaps g CROSS JOIN LATERAL (
    SELECT NULL, NULL, g.explicit, g.id, g.revision, g.identity, g.modified_ms, NULL, g.created_ms, NULL::jsonb, g.properties, g.path
     WHERE g.path <> ''
    UNION ALL
    (SELECT ${SLOT_COLUMNS}, NULL FROM slots s
      WHERE s.bucket_id = $1 AND s.live AND s.key >= g.start AND s.key < g.ending AND s.key <> $6 ORDER BY s.key LIMIT $7)
  ) AS e (key, version_id, visibility, node_id, size, etag, modified_ms, mtime_ms, created_ms, attributes, properties, path)
 ORDER BY g.path, e.key NULLS FIRST LIMIT $7`;
}

const NAMES = { name: 'list-level-names', text: levelText(FOLDER_NOTHING) };
const FOLDERS = { name: 'list-level-folders', text: levelText(FOLDER_COLUMNS) };

/** The statement and its values; a row for each entry, in byte order. */
export function levelStatement(
  { bucket, prefix, directories }: ListQuery,
  { start, inclusive, end }: { start: string; inclusive: boolean; end: string | null },
  limit: number,
): [Statement, unknown[]] {
  // What begins inside a folder goes on behind it.
  const inside = inclusive ? -1 : start.indexOf('/', prefix.length);
  const from = inside < 0 ? start : `${start.slice(0, inside)}0`;
  const depth = prefix.split('/').length;
  const without = inclusive ? '' : start;
  return [directories === true ? FOLDERS : NAMES, [bucket, depth, start, end ?? AFTER_ALL, from, without, limit]];
}

export function levelEntry(bucket: BucketId, row: LevelRow, read: (row: ObjectRow) => ObjectInfo): ListEntry {
  if (row[11] === null) return { kind: 'object', info: read(row) };
  const [, , explicit, id, revision, identity, modified, , created, , properties, path] = row;
  const directory =
    identity === null
      ? null
      : directoryOf(bucket, [path, id, explicit === 'true', identity, revision, modified, created, properties]);
  return { kind: 'prefix', prefix: path, directory };
}
