import type { BucketId } from '#core/address';
import type { PrincipalId } from '#core/principal';
import type { TestDatabase } from './database.ts';

/** What a bucket and its owner use: as it is kept, and as it is counted over all rows. */
export interface Accounts {
  objects: number;
  bytes: number;
  historyVersions: number;
  historyBytes: number;
  ownerObjects: number;
  ownerBytes: number;
  /** By folder: bytes below. */
  folders: Record<string, number | null>;
}

const LIVE = 'FROM slots s WHERE s.live AND s.bucket_id';
const PAST = `FROM versions v JOIN slots s ON s.id = v.slot_id
  WHERE s.bucket_id = $1 AND NOT v.delete_marker AND s.version_id IS DISTINCT FROM v.id`;
const OWNED = '(SELECT id FROM buckets WHERE owner = $2)';

export async function accountsOf(
  database: TestDatabase,
  { id, owner }: { id: BucketId; owner: PrincipalId },
): Promise<{ kept: Accounts; counted: Accounts }> {
  const [kept] = await database.sql(
    `SELECT h.objects, h.bytes, h.history_versions, h.history_bytes, coalesce(u.objects, 0), coalesce(u.bytes, 0)
       FROM bucket_heads h LEFT JOIN usage u ON u.principal = $2 WHERE h.bucket_id = $1`,
    [id, owner],
  );
  const [counted] = await database.sql(
    `SELECT (SELECT count(*) ${LIVE} = $1), (SELECT coalesce(sum(s.size), 0) ${LIVE} = $1), (SELECT count(*) ${PAST}),
            (SELECT coalesce(sum(v.size), 0) ${PAST}), (SELECT count(*) ${LIVE} IN ${OWNED}), (SELECT coalesce(sum(s.size), 0) ${LIVE} IN ${OWNED})`,
    [id, owner],
  );
  const folders = await database.sql(
    `SELECT d.path, d.bytes, (SELECT coalesce(sum(s.size), 0) ${LIVE} = $1 AND starts_with(s.key, d.path)) FROM directories d WHERE d.bucket_id = $1`,
    [id],
  );
  const of = (column: 1 | 2) =>
    Object.fromEntries(folders.map((row) => [row[0], row[column] === null ? null : Number(row[column])]));
  return { kept: accounts(kept ?? [], of(1)), counted: accounts(counted ?? [], of(2)) };
}

function accounts(row: unknown[], folders: Accounts['folders']): Accounts {
  const [objects = 0, bytes = 0, historyVersions = 0, historyBytes = 0, ownerObjects = 0, ownerBytes = 0] = row.map(Number);
  return { objects, bytes, historyVersions, historyBytes, ownerObjects, ownerBytes, folders };
}
