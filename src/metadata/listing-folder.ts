import type { FolderEntry, FolderPage, FolderQuery } from '#contracts/metadata-store';
import type { Database } from './database.ts';
import { list, pageOf, rangeOf } from './listing.ts';
import { END, LEVEL_OF, levelValues, TOGETHER_BYTES_MAX } from './listing-level.ts';
import { DIRECTORY_ETAG, PACKED_DIRECTORY, packedDirectory, SEPARATOR, SHOWN_PARTS, SHOWN_SLOT, shownReader } from './rows.ts';

/** More would come one by one. */
const LIMIT_MAX = 2_000;

/**
 * A folder's row, and where no folder lies in it (from the page's start on), the page: a bare range of keys, which takes half the work of a level with gaps
 * (listing-level.ts). One statement is one moment: what is listed is of the ETag that comes with it. `deeper` tells that the level has to be asked for by gaps.
 */
const LEAF = {
  name: 'list-folder',
  text: `
WITH folder AS MATERIALIZED (
  SELECT ${PACKED_DIRECTORY} AS packed, ${DIRECTORY_ETAG} AS etag FROM directories d
   WHERE d.bucket_id = $1 AND d.path = $8 AND NOT EXISTS (SELECT FROM slots s WHERE s.bucket_id = $1 AND s.live AND s.key = $10)),
deeper AS MATERIALIZED (
  SELECT FROM directories d WHERE d.bucket_id = $1 AND ${LEVEL_OF} = $2 AND d.path > $3 AND d.path < $4 LIMIT 1)
SELECT (SELECT packed FROM folder), EXISTS (SELECT FROM deeper), count(*)::int,
       string_agg(e.packed, E'\\x1e') FILTER (WHERE octet_length(e.packed) <= ${TOGETHER_BYTES_MAX})
  FROM (SELECT ${SHOWN_SLOT} AS packed FROM slots s
         WHERE s.bucket_id = $1 AND s.live AND s.key >= $5 AND s.key < $4 AND s.key <> $6
           AND (SELECT etag FROM folder) <> $9 AND NOT EXISTS (SELECT FROM deeper)
         ORDER BY s.key LIMIT $7) e`,
};

type LeafRow = [folder: string | null, deeper: boolean, count: number, text: string | null];

export async function listFolder(database: Database, query: FolderQuery): Promise<FolderPage> {
  const { bucket, folder: path, after, unless = '', fileFirst = false } = query;
  const limit = Math.min(query.limit, LIMIT_MAX);
  const level = { bucket, prefix: path, delimiter: '/', after, limit, directories: true };
  const range = rangeOf(level);
  // No key is empty, so no file goes before the root.
  const values = [...levelValues(level, range, limit + 1), path, unless, fileFirst ? path.slice(0, -1) : ''];
  const [row] = await database.read<LeafRow>(LEAF, values);
  const [packed, deeper, count, text] = row ?? [null, false, 0, null];
  if (packed === null) return { folder: null, entries: [], next: null };
  const folder = packedDirectory(bucket, path, packed);
  if (folder.etag === unless) return { folder, entries: null, next: null };
  const entries = deeper ? null : readShown(bucket, count, text);
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
    if (parts.length !== SHOWN_PARTS) return null;
    entries.push({ kind: 'object', info: read(bucket, parts) });
  }
  return entries;
}
