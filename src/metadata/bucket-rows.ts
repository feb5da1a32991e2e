import type { BucketId } from '#core/address';
import type { Bucket, BucketKind, Versioning } from '#core/bucket';
import { CloudStoreError } from '#core/errors';
import type { PrincipalId } from '#core/principal';
import type { Session } from './database.ts';

export type BucketRow = [
  number,
  string,
  number,
  number,
  BucketKind,
  Versioning,
  boolean,
  number,
  string,
  number | null,
  number | null,
  number,
];

export const COLUMNS =
  'b.id, b.name, b.owner, b.domain, b.kind, b.versioning, b.object_lock, b.created_ms, b.config, b.quota_bytes, b.quota_objects, b.authority';
const INSERT_NAME = {
  name: 'bucket-name-insert',
  text: 'INSERT INTO bucket_names (scope, name, bucket_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
};
const TAKEN = {
  name: 'bucket-name-taken',
  text: 'SELECT b.owner FROM bucket_names n JOIN buckets b ON b.id = n.bucket_id WHERE n.scope = $1 AND n.name = $2',
};
const MOVE_USAGE = {
  name: 'bucket-move-usage',
  text: `INSERT INTO usage AS t (principal, bytes, objects)
         SELECT v.principal, v.bytes, v.objects
           FROM (SELECT $2::int AS principal, -bytes AS bytes, -objects AS objects FROM bucket_heads WHERE bucket_id = $1
                 UNION ALL SELECT $3::int, bytes, objects FROM bucket_heads WHERE bucket_id = $1) v
          WHERE v.bytes <> 0 OR v.objects <> 0 ORDER BY v.principal
         ON CONFLICT (principal) DO UPDATE SET bytes = t.bytes + excluded.bytes, objects = t.objects + excluded.objects`,
};

/** @throws bucket_exists, bucket_owned_by_you (details.bucket) */
export async function takeName(session: Session, scope: number, name: string, bucket: BucketId, owner: number): Promise<void> {
  if ((await session.execute(INSERT_NAME, [scope, name, bucket])) === 1) return;
  const rows = await session.query<[number]>(TAKEN, [scope, name]);
  const own = rows[0]?.[0] === owner;
  throw new CloudStoreError(own ? 'bucket_owned_by_you' : 'bucket_exists', `The name ${name} is taken.`, {
    details: { bucket: name },
  });
}

/** What the bucket holds counts for another owner from now on; 0 is nobody. */
export async function moveUsage(session: Session, id: BucketId, from: PrincipalId, to: PrincipalId): Promise<void> {
  await session.execute(MOVE_USAGE, [id, from, to]);
}

export function bucketOf([
  id,
  name,
  owner,
  domain,
  kind,
  versioning,
  objectLock,
  created,
  config,
  bytes,
  objects,
  authority,
]: BucketRow): Bucket {
  const quota = bytes === null && objects === null ? {} : { quota: { bytes, objects } };
  return { id, name, owner, domain, kind, versioning, objectLock, created, config: JSON.parse(config), authority, ...quota };
}

export function missingBucket(): CloudStoreError {
  return new CloudStoreError('bucket_not_found', 'No such bucket.');
}
