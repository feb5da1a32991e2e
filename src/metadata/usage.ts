import type { BucketUse, OwnerUse, Physical, Room, UsageStore } from '#contracts/usage';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Database } from './database.ts';
import { measureDomain } from './usage-measure.ts';

const ROOM = {
  name: 'usage-room',
  text: `SELECT b.owner, h.objects, h.bytes, b.quota_objects, b.quota_bytes, coalesce(u.objects, 0), coalesce(u.bytes, 0), p.quota_objects, p.quota_bytes
           FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id LEFT JOIN principals p ON p.id = b.owner LEFT JOIN usage u ON u.principal = b.owner
          WHERE b.id = $1 AND b.removed_ms IS NULL`,
};
const UNFINISHED = {
  name: 'usage-unfinished',
  text: `SELECT coalesce(sum(q.size) FILTER (WHERE u.bucket_id = b.id), 0)::bigint, coalesce(sum(q.size), 0)::bigint
           FROM buckets b JOIN buckets o ON o.owner = b.owner JOIN uploads u ON u.bucket_id = o.id JOIN parts q ON q.upload_id = u.id
          WHERE b.id = $1 AND u.completed_version IS NULL`,
};
/** Whether each bucket of a domain is as it was when it was measured, and has the neighbours that it had. */
const MEASURED = `SELECT b.domain, max(s.measured_ms) AS measured, max(s.took_ms) AS took,
                         bool_and(coalesce(s.revision = h.revision AND s.history_versions = h.history_versions AND s.history_bytes = h.history_bytes, false))
                           AND min(s.siblings) = count(*) AS current
                    FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id LEFT JOIN bucket_space s ON s.bucket_id = b.id GROUP BY 1`;
const BUCKETS = {
  name: 'usage-buckets',
  text: `SELECT b.id, b.name, b.owner, h.objects, h.bytes, h.history_versions, h.history_bytes, b.quota_objects, b.quota_bytes,
                s.own_bytes, s.own_chunks, s.shared_bytes, s.shared_chunks, s.inline_bytes, s.measured_ms, coalesce(m.current, false)
           FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id LEFT JOIN bucket_space s ON s.bucket_id = b.id
           LEFT JOIN (${MEASURED}) m ON m.domain = b.domain
          WHERE ($1::int IS NULL OR b.owner = $1) AND b.removed_ms IS NULL ORDER BY b.name`,
};
/** What a removed bucket held is history until it is gone. */
const OWNERS = {
  name: 'usage-owners',
  text: `SELECT p.id, p.name, coalesce(u.objects, 0), coalesce(u.bytes, 0), coalesce(h.versions, 0)::bigint, coalesce(h.bytes, 0)::bigint,
                p.quota_objects, p.quota_bytes, coalesce(s.stored, 0)::bigint, coalesce(s.chunks, 0)::bigint
           FROM principals p LEFT JOIN usage u ON u.principal = p.id
           LEFT JOIN (SELECT b.owner, sum(h.history_versions + CASE WHEN b.removed_ms IS NULL THEN 0 ELSE h.objects END) AS versions,
                             sum(h.history_bytes + CASE WHEN b.removed_ms IS NULL THEN 0 ELSE h.bytes END) AS bytes FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id
                       GROUP BY 1) h ON h.owner = p.id
           LEFT JOIN (SELECT domain, sum(stored_bytes) AS stored, sum(chunks) AS chunks FROM space GROUP BY 1) s ON s.domain = p.domain
          ORDER BY p.name`,
};
const DOMAINS = {
  name: 'usage-domains',
  text: `SELECT domain, coalesce(current, false), measured, coalesce(took, 0) FROM (${MEASURED}) m ORDER BY 1`,
};

type Max = number | null;

/** The contract is UsageStore. */
export function createUsageStore({ database, clock }: { database: Database; clock: Clock }): UsageStore {
  return {
    async room(bucket) {
      const [row] = await database.read<[number, number, number, Max, Max, number, number, Max, Max]>(ROOM, [bucket]);
      if (row === undefined) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
      return roomOf(row);
    },
    async unfinished(id) {
      const [[bucket, account] = [0, 0]] = await database.read<[number, number]>(UNFINISHED, [id]);
      return { bucket, account };
    },
    buckets: async (owner) => (await database.read<BucketRow>(BUCKETS, [owner ?? null])).map(bucketUse),
    owners: async () => (await database.read<OwnerRow>(OWNERS)).map(ownerUse),
    domains: async () =>
      (await database.read<[number, boolean, number | null, number]>(DOMAINS)).map(([domain, current, measured, tookMs]) => {
        return { domain, current, measured, tookMs };
      }),
    measure: (domain, watch) => measureDomain({ database, clock }, domain, watch),
  };
}

function roomOf(row: [number, number, number, Max, Max, number, number, Max, Max]): Room {
  const [owner, objects, bytes, objectsMax, bytesMax, ownerObjects, ownerBytes, ownerObjectsMax, ownerBytesMax] = row;
  return {
    owner,
    bucket: { used: { objects, bytes }, quota: { objects: objectsMax, bytes: bytesMax } },
    account: { used: { objects: ownerObjects, bytes: ownerBytes }, quota: { objects: ownerObjectsMax, bytes: ownerBytesMax } },
  };
}

type Known = number | null;
type Space = [Known, Known, Known, Known, Known, Known, boolean];
type BucketRow = [number, string, number, number, number, number, number, Max, Max, ...Space];

function bucketUse([
  bucket,
  name,
  owner,
  objects,
  bytes,
  historyVersions,
  historyBytes,
  objectsMax,
  bytesMax,
  ...space
]: BucketRow): BucketUse {
  const logical = { objects, bytes, historyVersions, historyBytes };
  return { bucket, name, owner, ...logical, quota: { objects: objectsMax, bytes: bytesMax }, physical: physicalOf(space) };
}

function physicalOf([own, ownChunks, shared, sharedChunks, inline, measured, current]: Space): Physical | null {
  if (own === null || ownChunks === null || shared === null || sharedChunks === null || inline === null || measured === null)
    return null;
  return { ownBytes: own, ownChunks, sharedBytes: shared, sharedChunks, inlineBytes: inline, measured, current };
}

type OwnerRow = [number, string, number, number, number, number, Max, Max, number, number];

function ownerUse([
  owner,
  name,
  objects,
  bytes,
  historyVersions,
  historyBytes,
  objectsMax,
  bytesMax,
  storedBytes,
  storedChunks,
]: OwnerRow): OwnerUse {
  const logical = { objects, bytes, historyVersions, historyBytes };
  return { owner, name, ...logical, quota: { objects: objectsMax, bytes: bytesMax }, storedBytes, storedChunks };
}
