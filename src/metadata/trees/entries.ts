import type { BucketId, ObjectKey } from '#core/address';
import type { DirectoryInfo, EntryInfo } from '#core/object';
import type { Statement } from '../database.ts';
import { DIRECTORY_COLUMNS, type DirectoryRow, directoryOf, type ObjectRow, objectOf, SLOT_COLUMNS } from '../rows.ts';
import type { Work } from './transaction.ts';

const OBJECT: Statement = {
  name: 'tree-object',
  text: `SELECT ${SLOT_COLUMNS}, v.content FROM slots s JOIN versions v ON v.id = s.version_id WHERE s.bucket_id = $1 AND s.key = $2 AND s.live`,
};
const DIRECTORY: Statement = {
  name: 'tree-directory',
  text: `SELECT ${DIRECTORY_COLUMNS} FROM directories d WHERE d.bucket_id = $1 AND d.path = $2`,
};

/** Whether a key names a folder with all below. */
export function isTree(key: ObjectKey): boolean {
  return key === '' || key.endsWith('/');
}

/** The live object or the folder, as the transaction sees it. */
export async function entryIn(work: Work, at: { bucket: BucketId; key: ObjectKey }): Promise<EntryInfo | null> {
  if (isTree(at.key)) return directoryIn(work, at.bucket, at.key);
  const rows = await work.session.query<ObjectRow>(OBJECT, [at.bucket, at.key]);
  return rows[0] ? objectOf(at.bucket, rows[0]) : null;
}

export async function directoryIn({ session }: Work, bucket: BucketId, path: ObjectKey): Promise<DirectoryInfo | null> {
  const rows = await session.query<DirectoryRow>(DIRECTORY, [bucket, path]);
  return rows[0] ? directoryOf(bucket, rows[0]) : null;
}
