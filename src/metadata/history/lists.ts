import type {
  Activity,
  ActivityPage,
  HistoryStore,
  KeptVersion,
  TrashEntry,
  TrashQuery,
  VisiblePage,
  VisibleQuery,
} from '#contracts/history-store';
import { type Address, afterPrefix, type BucketId, compareKeys } from '#core/address';
import { CloudStoreError } from '#core/errors';
import type { ObjectInfo, VersionId, Visibility } from '#core/object';
import type { Protocol } from '#core/principal';
import type { Database } from '../database.ts';
import { attributesOf } from '../rows.ts';
import { keptVersion, VERSION_COLUMNS, type VersionRow } from './rows.ts';

const VERSIONS = {
  name: 'history-versions',
  text: `SELECT ${VERSION_COLUMNS} FROM slots s JOIN versions v ON v.slot_id = s.id
          WHERE s.bucket_id = $1 AND s.key = $2
            AND ($3::text IS NULL OR (v.seq, v.id) < (SELECT w.seq, w.id FROM versions w WHERE w.slot_id = s.id AND w.id = decode($3, 'hex')))
          ORDER BY v.seq DESC, v.id DESC LIMIT $4`,
};
/**
 * A version of a commit has a row of the journal to itself. Those of what is done to a folder have the time of its row, which may stand behind that of a
 * folder's marker or of what was in the way.
 */
const WRITERS = {
  name: 'history-writers',
  text: `SELECT encode(v.id, 'hex'), p.name, j.protocol FROM slots s JOIN versions v ON v.slot_id = s.id
          CROSS JOIN LATERAL (
             SELECT principal, protocol FROM journal
              WHERE bucket_id = s.bucket_id AND seq BETWEEN v.seq AND v.seq + 2
                AND (version_id = v.id OR (at_ms = v.modified_ms AND kind IN ('copy', 'move', 'removeTree')))
              ORDER BY version_id = v.id DESC NULLS LAST, seq LIMIT 1) j
           LEFT JOIN principals p ON p.id = j.principal
          WHERE s.bucket_id = $1 AND s.key = $2 AND v.id = ANY (SELECT decode(x, 'hex') FROM unnest($3::text[]) x)`,
};
/** Looked through backwards, so many a page: no index of the journal knows keys, which would cost every commit. */
const ACTIVITY_SEQS = 10_000;
const ACTIVITY = {
  name: 'history-activity',
  text: `SELECT j.seq, j.kind, j.key, CASE WHEN j.from_bucket IS NULL OR j.from_bucket = $1 THEN j.from_key END, j.size, j.at_ms, p.name, j.protocol
           FROM journal j LEFT JOIN principals p ON p.id = j.principal
          WHERE j.bucket_id = $1 AND j.seq < $4 AND j.seq >= $4 - ${ACTIVITY_SEQS} AND j.kind <> 'annotate'
            AND (starts_with(j.key, $2) OR (starts_with(j.from_key, $2) AND (j.from_bucket IS NULL OR j.from_bucket = $1)))
          ORDER BY j.seq DESC LIMIT $3`,
};
const JOURNAL_ENDS = {
  name: 'history-journal-ends',
  text: `SELECT (SELECT min(seq) FROM journal WHERE bucket_id = $1), seq FROM bucket_heads WHERE bucket_id = $1`,
};
const PLACE = {
  name: 'history-place',
  text: `SELECT v.seq, v.id FROM slots s JOIN versions v ON v.slot_id = s.id WHERE s.bucket_id = $1 AND s.key = $2 AND v.visibility <> 'hidden'
            AND CASE WHEN $3 = 'null' THEN v.visibility = 'null' ELSE v.id = decode($3, 'hex') END`,
};
const VISIBLE = {
  name: 'history-visible',
  text: `SELECT x.common, x.key, encode(x.version_id, 'hex'), x.latest, x.visibility, x.delete_marker, x.node_id, x.size, x.etag, x.modified_ms,
                x.mtime_ms, x.created_ms, x.attributes FROM cs_list_versions($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) x`,
};
const LAST = `CROSS JOIN LATERAL (SELECT w.* FROM versions w WHERE w.slot_id = s.id AND NOT w.delete_marker ORDER BY w.seq DESC, w.id DESC LIMIT 1) v`;
const TRASH = {
  name: 'history-trash',
  text: `SELECT ${VERSION_COLUMNS} FROM slots s ${LAST} WHERE s.bucket_id = $1 AND NOT s.live AND NOT v.moved AND s.key > $2 AND ($3::text IS NULL OR s.key < $3)
          ORDER BY s.key LIMIT $4`,
};
const DELETED = {
  name: 'history-deleted',
  text: `SELECT ${VERSION_COLUMNS} FROM slots s ${LAST} WHERE s.bucket_id = $1 AND s.key = $2 AND NOT s.live AND NOT v.moved`,
};
const EXISTS = { name: 'history-bucket', text: 'SELECT 1 FROM buckets WHERE id = $1 AND removed_ms IS NULL' };

const LIMIT_MAX = 10_000;
/** Greater than every sequence number: from the top of a key. */
const TOP = Number.MAX_SAFE_INTEGER;
const LAST_ID = Buffer.alloc(16, 0xff);

export function createHistoryLists(
  database: Database,
): Pick<HistoryStore, 'versions' | 'writers' | 'activity' | 'visible' | 'trash' | 'deleted'> {
  return {
    async versions({ bucket, key }, after, limit) {
      const rows = await database.read<VersionRow>(VERSIONS, [bucket, key, after, Math.min(limit, LIMIT_MAX)]);
      return rows.map((row) => keptVersion(bucket, row));
    },
    async writers({ bucket, key }, versions) {
      const rows = await database.read<[VersionId, string | null, Protocol]>(WRITERS, [bucket, key, versions]);
      return new Map(rows.map(([id, name, protocol]) => [id, { name, protocol }]));
    },
    activity: (at, before, limit) => activity(database, at, before, Math.min(limit, LIMIT_MAX)),
    visible: (query) => visible(database, query),
    trash: (query) => trash(database, query),
    async deleted({ bucket, key }: Address): Promise<KeptVersion | null> {
      const [row] = await database.read<VersionRow>(DELETED, [bucket, key]);
      return row === undefined ? null : keptVersion(bucket, row);
    },
  };
}

async function activity(
  database: Database,
  { bucket, prefix }: { bucket: BucketId; prefix: string },
  before: number | null,
  limit: number,
): Promise<ActivityPage> {
  const [[oldest, head] = [null, 0]] = await database.read<[oldest: number | null, head: number]>(JOURNAL_ENDS, [bucket]);
  const top = Math.min(before ?? TOP, head + 1);
  const rows = await database.read<ActivityRow>(ACTIVITY, [bucket, prefix, limit, top]);
  const reached = rows.length < limit ? top - ACTIVITY_SEQS : (rows.at(-1)?.[0] ?? top);
  return {
    changes: rows.map(([, kind, key, fromKey, size, at, name, protocol]) => ({
      kind,
      key,
      fromKey,
      size,
      at,
      writer: { name, protocol },
    })),
    next: oldest !== null && oldest < reached ? reached : null,
  };
}

type ActivityRow = [
  seq: number,
  kind: Activity['kind'],
  key: string,
  fromKey: string | null,
  size: number | null,
  at: number,
  name: string | null,
  protocol: Protocol,
];

type VisibleRow = [
  common: string | null,
  key: string | null,
  version: string,
  latest: boolean,
  visibility: Visibility,
  deleteMarker: boolean,
  node: number,
  size: number,
  etag: string,
  modified: number,
  mtime: number,
  created: number,
  attributes: string,
];

async function visible(database: Database, query: VisibleQuery): Promise<VisiblePage> {
  const { bucket, prefix, delimiter, after } = query;
  const limit = Math.min(query.limit, LIMIT_MAX);
  const place = await placeOf(database, query);
  const inclusive = place === null && (after === '' || compareKeys(after, prefix) < 0);
  const ends = [afterPrefix(prefix), delimiter, delimiter === '' ? null : afterPrefix(delimiter)];
  const begins = [inclusive ? prefix : after, inclusive, place?.seq ?? null, place?.id ?? null];
  const rows = await database.read<VisibleRow>(VISIBLE, [bucket, prefix, ...ends, ...begins, limit + 1]);
  if (rows.length === 0 && (await database.read(EXISTS, [bucket])).length === 0) throw bucketMissing();
  const more = rows.length > limit;
  if (more) rows.length = limit;
  const entries = rows.map((row) =>
    row[0] !== null ? { kind: 'prefix' as const, prefix: row[0] } : { kind: 'version' as const, info: infoOf(bucket, row) },
  );
  const last = entries.at(-1);
  if (!more || last === undefined) return { entries, next: null };
  if (last.kind === 'prefix') return { entries, next: { key: last.prefix, version: null } };
  const { key, visibility, versionId } = last.info;
  return { entries, next: { key, version: visibility === 'null' ? 'null' : versionId } };
}

/**
 * Where within the marker's key a page begins; null: behind the key. A marker that has been removed since (whoever empties a bucket removes
 * page by page) begins at the top of what is left: what was listed and is still there comes twice, and nothing is left out.
 */
async function placeOf(
  database: Database,
  { bucket, prefix, delimiter, after, version }: VisibleQuery,
): Promise<{ seq: number; id: Buffer } | null> {
  if (version === null || after === '' || !after.startsWith(prefix)) return null;
  if (delimiter !== '' && after.includes(delimiter, prefix.length)) return null;
  if (version !== 'null' && !/^[0-9a-f]{32}$/.test(version)) return null;
  const [row] = await database.read<[number, Buffer]>(PLACE, [bucket, after, version satisfies VersionId | 'null']);
  return row === undefined ? { seq: TOP, id: LAST_ID } : { seq: row[0], id: row[1] };
}

function infoOf(bucket: BucketId, row: VisibleRow): ObjectInfo {
  const [, key, versionId, isLatest, visibility, deleteMarker, nodeId, size, etag, modified, mtime, created, attributes] = row;
  const shown = { versionId, visibility, deleteMarker, isLatest, size, etag, modified, mtime, created };
  return {
    kind: 'object',
    bucket,
    key: key!,
    nodeId,
    ...shown,
    attributes: attributesOf(attributes),
    content: null,
    properties: null,
  };
}

/** How many rows a look for the next folder takes, where one has been met. */
const BATCH = 200;

async function trash(database: Database, query: TrashQuery): Promise<{ entries: TrashEntry[]; next: string | null }> {
  const { bucket, prefix, recursive = false } = query;
  const limit = Math.min(query.limit, LIMIT_MAX);
  const end = afterPrefix(prefix);
  const entries: TrashEntry[] = [];
  let after = compareKeys(query.after, prefix) > 0 ? behind(query.after, prefix, recursive) : prefix;
  // The folder's own marker is the folder.
  for (;;) {
    const size = recursive ? limit + 1 : Math.min(BATCH, limit + 1);
    const rows = await database.read<VersionRow>(TRASH, [bucket, after, end, size]);
    let skipped = '';
    for (const row of rows) {
      const info = keptVersion(bucket, row);
      if (skipped !== '' && info.key.startsWith(skipped)) continue;
      if (entries.length >= limit) return { entries, next: nameOf(entries.at(-1)!) };
      const slash = recursive ? -1 : info.key.indexOf('/', prefix.length);
      if (slash < 0) {
        entries.push({ kind: 'file', info });
        after = info.key;
      } else {
        skipped = info.key.slice(0, slash + 1);
        entries.push({ kind: 'folder', prefix: skipped, deleted: info.superseded ?? info.modified });
        after = lastBelow(skipped);
      }
    }
    if (rows.length < size) break;
  }
  if (entries.length === 0 && (await database.read(EXISTS, [bucket])).length === 0) throw bucketMissing();
  return { entries, next: null };
}

/** A page that ended with a folder goes on behind all of it. */
function behind(after: string, prefix: string, recursive: boolean): string {
  return !recursive && after.endsWith('/') && after.startsWith(prefix) ? lastBelow(after) : after;
}

/** Greater than every key below a folder, and less than what follows it: no key is longer. */
function lastBelow(folder: string): string {
  return `${folder}${'\u{10ffff}'.repeat(257)}`;
}

function nameOf(entry: TrashEntry): string {
  return entry.kind === 'file' ? entry.info.key : entry.prefix;
}

function bucketMissing(): CloudStoreError {
  return new CloudStoreError('bucket_not_found', 'No such bucket.');
}
