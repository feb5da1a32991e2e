import type { ListQuery } from '#contracts/metadata-store';
import { KEY_BYTES_MAX } from '#core/address';
import type { Statement } from './database.ts';
import { PACKED_DIRECTORY, PACKED_SLOT } from './rows.ts';

/** Greater than every key: one more of the last code point than a key can hold. */
const AFTER_ALL = '\u{10ffff}'.repeat(KEY_BYTES_MAX / 4 + 1);

/**
 * One level of a bucket: the folders there are rows of `directories` (one exists for every prefix with live keys), and what
 * lies beside them is read gap by gap: from the end of one folder's keys to the next folder. So a page costs one range scan
 * and one seek for each of its folders, whatever they hold. `ORDER BY` follows the loop, so that nothing but a gap is sorted
 * and the limit ends the work.
 */
function levelText(folder: string): string {
  return `
WITH folders AS MATERIALIZED (
  SELECT d.path, ${folder} AS packed FROM directories d
   WHERE d.bucket_id = $1 AND length(d.path) - length(replace(d.path, '/', '')) = $2 AND d.path > $3 AND d.path < $4
   ORDER BY d.path LIMIT $7),
gaps AS (
  SELECT f.*, left(f.path, -1) || '0' AS start, lead(f.path, 1, $4) OVER (ORDER BY f.path) AS ending FROM folders f
  UNION ALL
  SELECT '', NULL, $5, coalesce((SELECT min(path) FROM folders), $4))
SELECT e.*
  FROM gaps g CROSS JOIN LATERAL (
    SELECT NULL, g.packed, g.path WHERE g.path <> ''
    UNION ALL
    (SELECT s.key, ${PACKED_SLOT}, NULL FROM slots s
      WHERE s.bucket_id = $1 AND s.live AND s.key >= g.start AND s.key < g.ending AND s.key <> $6 ORDER BY s.key LIMIT $7)
  ) AS e (key, packed, path)
 ORDER BY g.path, e.key NULLS FIRST LIMIT $7`;
}

const NAMES = { name: 'list-level-names', text: levelText('NULL::text') };
const FOLDERS = { name: 'list-level-folders', text: levelText(PACKED_DIRECTORY) };

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
