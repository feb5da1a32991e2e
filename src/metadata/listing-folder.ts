import type { FolderEntry, FolderPage, FolderQuery } from '#contracts/metadata-store';
import type { Database } from './database.ts';
import { list, pageOf, rangeOf } from './listing.ts';
import { END, LEVEL_OF, levelText, levelValues, TOGETHER_BYTES_MAX } from './listing-level.ts';
import {
  DIRECTORY_ETAG,
  DIRECTORY_PARTS,
  PACKED_DIRECTORY,
  packedDirectory,
  partedDirectory,
  SEPARATOR,
  SHOWN_PARTS,
  SHOWN_SLOT,
  shownReader,
} from './rows.ts';

/** With two empty parts at its end: however many separators its key begins with, no file has as few parts as a folder. */
const FILE = `${SHOWN_SLOT} || E'\\x1f\\x1f'`;
const FILE_PARTS = SHOWN_PARTS + 2;
const FOLDER_PARTS = 2 + DIRECTORY_PARTS;
/** More would come one by one. */
const LIMIT_MAX = 2_000;

/**
 * A folder's row and a page of what is in it. One statement is one moment: what is listed is of the ETag that comes with it. Where no folder lies in it (from the
 * page's start on), the page is a bare range of keys, which takes half the work of a level with gaps (listing-level.ts); of the two only that one is run which is of use.
 */
const FOLDER = {
  name: 'list-folder',
  text: `
WITH folder AS MATERIALIZED (
  SELECT ${PACKED_DIRECTORY} AS packed, ${DIRECTORY_ETAG} AS etag FROM directories d
   WHERE d.bucket_id = $1 AND d.path = $8 AND NOT EXISTS (SELECT FROM slots s WHERE s.bucket_id = $1 AND s.live AND s.key = $10)),
deeper AS MATERIALIZED (
  SELECT FROM directories d WHERE d.bucket_id = $1 AND ${LEVEL_OF} = $2 AND d.path > $3 AND d.path < $4 LIMIT 1)
SELECT (SELECT packed FROM folder), count(*)::int,
       string_agg(e.packed, E'\\x1e') FILTER (WHERE octet_length(e.packed) <= ${TOGETHER_BYTES_MAX})
  FROM (
    (SELECT ${FILE} AS packed FROM slots s
      WHERE s.bucket_id = $1 AND s.live AND s.key >= $5 AND s.key < $4 AND s.key <> $6
        AND (SELECT etag FROM folder) <> $9 AND NOT EXISTS (SELECT FROM deeper)
      ORDER BY s.key LIMIT $7)
    UNION ALL
    SELECT l.packed
      FROM (${levelText(`concat_ws(E'\\x1f', '', d.path, ${PACKED_DIRECTORY})`, FILE)}) AS l (key, packed, path)
     WHERE (SELECT etag FROM folder) <> $9 AND EXISTS (SELECT FROM deeper)) e`,
};

type FolderRow = [folder: string | null, count: number, text: string | null];

export async function listFolder(database: Database, query: FolderQuery): Promise<FolderPage> {
  const { bucket, folder: path, after, unless = '', fileFirst = false } = query;
  const limit = Math.min(query.limit, LIMIT_MAX);
  const level = { bucket, prefix: path, delimiter: '/', after, limit, directories: true };
  const range = rangeOf(level);
  // No key is empty, so no file goes before the root.
  const values = [...levelValues(level, range, limit + 1), path, unless, fileFirst ? path.slice(0, -1) : ''];
  const [row] = await database.read<FolderRow>(FOLDER, values);
  const [packed, count, text] = row ?? [null, 0, null];
  if (packed === null) return { folder: null, entries: [], next: null };
  const folder = packedDirectory(bucket, path, packed);
  if (folder.etag === unless) return { folder, entries: null, next: null };
  const entries = readShown(bucket, count, text);
  // What is then read is no older than the folder's row.
  if (entries === null) return { folder, ...(await list(database, level)) };
  return { folder, ...pageOf(entries, limit) };
}

/** null: one of the names holds what parts the text, or one entry is too long to come so. */
function readShown(bucket: number, count: number, text: string | null): FolderEntry[] | null {
  const texts = text === null ? [] : text.split(END);
  if (texts.length !== count) return null;
  const read = shownReader();
  const entries: FolderEntry[] = [];
  for (const entry of texts) {
    const parts = entry.split(SEPARATOR);
    const [key, path = ''] = parts;
    if (key !== '') {
      if (parts.length !== FILE_PARTS) return null;
      entries.push({ kind: 'object', info: read(bucket, parts) });
    } else {
      if (parts.length !== FOLDER_PARTS) return null;
      entries.push({ kind: 'prefix', prefix: path, directory: partedDirectory(bucket, path, parts.slice(2)) });
    }
  }
  return entries;
}
