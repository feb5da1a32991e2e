import type { ListEntry, ListQuery } from '#contracts/metadata-store';
import { type BucketId, KEY_BYTES_MAX } from '#core/address';
import type { Statement } from './database.ts';
import {
  DIRECTORY_PARTS,
  PACKED_DIRECTORY,
  PACKED_SLOT,
  partedDirectory,
  SEPARATOR,
  SLOT_PARTS,
  SLOT_VALUES,
  slotReader,
} from './rows.ts';

/** Greater than every key: one more of the last code point than a key can hold. */
const AFTER_ALL = '\u{10ffff}'.repeat(KEY_BYTES_MAX / 4 + 1);

/** How deep a folder lies: directories are indexed by it. */
export const LEVEL_OF = `length(d.path) - length(replace(d.path, '/', ''))`;

/**
 * One level of a bucket: the folders there are rows of `directories` (one exists for every prefix with live keys), and what
 * lies beside them is read gap by gap: from the end of one folder's keys to the next folder. So a page costs one range scan
 * and one seek for each of its folders, whatever they hold. `ORDER BY` follows the loop, so that nothing but a gap is sorted
 * and the limit ends the work.
 */
export function levelText(folder: string, object: string): string {
  return `${gapsText(`${folder} AS packed`)}
SELECT e.*
  FROM gaps g CROSS JOIN LATERAL (
    SELECT NULL, g.packed, g.path WHERE g.path <> ''
    UNION ALL
    (SELECT s.key, ${object}, NULL FROM slots s WHERE ${IN_GAP} ORDER BY s.key LIMIT $7)
  ) AS e (key, packed, path)
 ORDER BY g.path, e.key NULLS FIRST LIMIT $7`;
}

/** What lies beside the folders. */
export const IN_GAP = `s.bucket_id = $1 AND s.live AND s.key >= g.start AND s.key < g.ending AND s.key <> $6`;

/** The folders of a level with what `folder` takes of them, each with the gap behind it, and the gap before the first, without path. */
export function gapsText(folder: string): string {
  return `
WITH folders AS MATERIALIZED (
  SELECT d.path, ${folder} FROM directories d
   WHERE d.bucket_id = $1 AND ${LEVEL_OF} = $2 AND d.path > $3 AND d.path < $4
   ORDER BY d.path LIMIT $7),
gaps AS (
  SELECT f.*, left(f.path, -1) || '0' AS start, lead(f.path, 1, $4) OVER (ORDER BY f.path) AS ending FROM folders f
  UNION ALL
  SELECT '', NULL, $5, coalesce((SELECT min(path) FROM folders), $4))`;
}

const NAMES = { name: 'list-level-names', text: levelText('NULL::text', PACKED_SLOT) };
const FOLDERS = { name: 'list-level-folders', text: levelText(PACKED_DIRECTORY, PACKED_SLOT) };

/** Between the entries of a page that comes as one text. Only a key or a path can hold it, and that is noticed. */
export const END = '\u001e';
/** Longer ones (dead properties, mostly) come one by one: a page of them as one text would have no bound. */
export const TOGETHER_BYTES_MAX = 65_536;
const TOGETHER_ENTRIES_MAX = 2_000;

/**
 * The page as one text: an object's key and what is packed of it; a folder's path, behind an empty part, and what is packed of
 * that. A row for each costs both the server and the driver more than all the rest that is done with it.
 */
function togetherText(folder: string): string {
  return `
SELECT count(*)::int, string_agg(e.packed, E'\\x1e') FILTER (WHERE octet_length(e.packed) <= ${TOGETHER_BYTES_MAX})
  FROM (${levelText(`concat_ws(E'\\x1f', '', d.path, ${folder})`, `concat_ws(E'\\x1f', s.key, ${SLOT_VALUES})`)}) AS e (key, packed, path)`;
}

const NAMES_TOGETHER = { name: 'list-level-names-together', text: togetherText('NULL') };
const FOLDERS_TOGETHER = { name: 'list-level-folders-together', text: togetherText(PACKED_DIRECTORY) };

/** Where a page begins and ends: from `start`, itself in it or not, to before `end` (null: to the last key). */
export interface PageRange {
  start: string;
  inclusive: boolean;
  end: string | null;
}

/** A level's entries from `start` to before `end`, in byte order. */
export interface LevelStatements {
  /** One row for all: how many there are, and their text, for `readTogether`. null: too many to come so. */
  together: Statement | null;
  /** A row for each. */
  rows: Statement;
  /** Of both. */
  values: unknown[];
}

export function levelStatements(query: ListQuery, range: PageRange, limit: number): LevelStatements {
  const together = query.directories === true ? FOLDERS_TOGETHER : NAMES_TOGETHER;
  return {
    together: limit > TOGETHER_ENTRIES_MAX ? null : together,
    rows: query.directories === true ? FOLDERS : NAMES,
    values: levelValues(query, range, limit),
  };
}

/** What the text of a level is asked with. */
export function levelValues({ bucket, prefix }: ListQuery, { start, inclusive, end }: PageRange, limit: number): unknown[] {
  // What begins inside a folder goes on behind it.
  const inside = inclusive ? -1 : start.indexOf('/', prefix.length);
  const from = inside < 0 ? start : `${start.slice(0, inside)}0`;
  const depth = prefix.split('/').length;
  const without = inclusive ? '' : start;
  return [bucket, depth, start, end ?? AFTER_ALL, from, without, limit];
}

/**
 * Reads a page that came as one text. null: one of its names holds what parts it, or one entry was too long to come so.
 * The count tells of a further `END`, and the parts of an entry of a further `SEPARATOR`.
 */
export function readTogether(bucket: BucketId, count: number, text: string | null): ListEntry[] | null {
  const texts = text === null ? [] : text.split(END);
  if (texts.length !== count) return null;
  const read = slotReader();
  const entries: ListEntry[] = [];
  for (const entry of texts) {
    const parts = entry.split(SEPARATOR);
    const [first = '', path = ''] = parts;
    if (first !== '') {
      if (parts.length !== 1 + SLOT_PARTS) return null;
      entries.push({ kind: 'object', info: read(bucket, first, parts, 1) });
    } else if (parts.length === 2) entries.push({ kind: 'prefix', prefix: path, directory: null });
    else if (parts.length === 2 + DIRECTORY_PARTS)
      entries.push({ kind: 'prefix', prefix: path, directory: partedDirectory(bucket, path, parts.slice(2)) });
    else return null;
  }
  return entries;
}
