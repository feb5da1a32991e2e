import type { BucketUse, OwnerUse, Room, UsageStore } from '#contracts/usage';
import type { Clock } from '#core/clock';
import { CloudStoreError } from '#core/errors';
import type { Database } from './database.ts';

const ROOM = {
  name: 'usage-room',
  text: `SELECT b.owner, h.objects, h.bytes, b.quota_objects, b.quota_bytes, coalesce(u.objects, 0), coalesce(u.bytes, 0), p.quota_objects, p.quota_bytes
           FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id LEFT JOIN principals p ON p.id = b.owner LEFT JOIN usage u ON u.principal = b.owner
          WHERE b.id = $1`,
};
const BUCKETS = {
  name: 'usage-buckets',
  text: `SELECT b.id, b.name, b.owner, h.objects, h.bytes, h.history_versions, h.history_bytes, b.quota_objects, b.quota_bytes,
                s.own_bytes, s.shared_bytes, s.measured_ms
           FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id LEFT JOIN bucket_space s ON s.bucket_id = b.id
          WHERE $1::int IS NULL OR b.owner = $1 ORDER BY b.name`,
};
const OWNERS = {
  name: 'usage-owners',
  text: `SELECT p.id, p.name, coalesce(u.objects, 0), coalesce(u.bytes, 0), coalesce(h.versions, 0)::bigint, coalesce(h.bytes, 0)::bigint,
                p.quota_objects, p.quota_bytes, coalesce(s.stored, 0)::bigint
           FROM principals p LEFT JOIN usage u ON u.principal = p.id
           LEFT JOIN (SELECT b.owner, sum(h.history_versions) AS versions, sum(h.history_bytes) AS bytes FROM buckets b JOIN bucket_heads h ON h.bucket_id = b.id
                       GROUP BY 1) h ON h.owner = p.id
           LEFT JOIN (SELECT domain, sum(stored_bytes) AS stored FROM space GROUP BY 1) s ON s.domain = p.domain
          ORDER BY p.name`,
};
const DOMAINS = { name: 'usage-domains', text: 'SELECT DISTINCT domain FROM buckets ORDER BY 1' };
/** Every chunk of the domain that a version names, once for each bucket. */
const MEASURE = {
  name: 'usage-measure',
  text: `WITH named AS (
      SELECT s.bucket_id, v.content FROM versions v JOIN slots s ON s.id = v.slot_id WHERE get_byte(v.content, 1) > 1 AND cs_uint32(v.content, 2) = $1),
    direct AS (SELECT DISTINCT bucket_id, substring(content FROM 15 FOR 32) AS id FROM named WHERE get_byte(content, 1) = 2),
    trees AS (SELECT DISTINCT n.bucket_id, x.id FROM named n CROSS JOIN LATERAL cs_leaf_ids(n.content) AS x(id) WHERE get_byte(n.content, 1) = 3),
    refs AS (
      SELECT bucket_id, id FROM direct
      UNION SELECT t.bucket_id, x.id FROM trees t JOIN leaves l ON l.domain = $1 AND l.id = t.id CROSS JOIN LATERAL cs_chunk_ids(l.entries) AS x(id)),
    held AS (SELECT r.bucket_id, c.length, count(*) OVER (PARTITION BY r.id) AS holders FROM refs r JOIN chunks c ON c.domain = $1 AND c.id = r.id)
    INSERT INTO bucket_space AS t (bucket_id, own_bytes, shared_bytes, measured_ms)
    SELECT b.id, coalesce(sum(h.length) FILTER (WHERE h.holders = 1), 0)::bigint, coalesce(sum(h.length) FILTER (WHERE h.holders > 1), 0)::bigint, $2
      FROM buckets b LEFT JOIN held h ON h.bucket_id = b.id WHERE b.domain = $1 GROUP BY b.id
    ON CONFLICT (bucket_id) DO UPDATE SET own_bytes = excluded.own_bytes, shared_bytes = excluded.shared_bytes, measured_ms = excluded.measured_ms`,
};
const OF_DOMAIN = { name: 'usage-of-domain', text: 'SELECT id FROM buckets WHERE domain = $1 ORDER BY 1' };
/** The bytes below each folder: where they are not known, or were kept wrongly, they are as counted. */
const COUNT_FOLDERS = { name: 'usage-count-folders', text: 'SELECT cs_count_folders($1)' };
/** Large joins are hashed; the pool's setting is for look-ups of single rows. */
const HASH_JOINS = { name: 'usage-hash-joins', text: 'SET LOCAL enable_hashjoin = on' };

type Max = number | null;

/** The contract is UsageStore. */
export function createUsageStore({ database, clock }: { database: Database; clock: Clock }): UsageStore {
  return {
    async room(bucket) {
      const [row] = await database.read<[number, number, number, Max, Max, number, number, Max, Max]>(ROOM, [bucket]);
      if (row === undefined) throw new CloudStoreError('bucket_not_found', 'No such bucket.');
      return roomOf(row);
    },
    buckets: async (owner) => (await database.read<BucketRow>(BUCKETS, [owner ?? null])).map(bucketUse),
    owners: async () => (await database.read<OwnerRow>(OWNERS)).map(ownerUse),
    domains: async () => (await database.read<[number]>(DOMAINS)).map(([domain]) => domain),
    async measure(domain) {
      for (const [bucket] of await database.read<[number]>(OF_DOMAIN, [domain])) {
        await database.transaction(async (session) => {
          await session.execute(HASH_JOINS);
          await session.execute(COUNT_FOLDERS, [bucket]);
        });
      }
      return database.transaction(async (session) => {
        await session.execute(HASH_JOINS);
        return session.execute(MEASURE, [domain, clock.now()]);
      });
    },
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

type BucketRow = [number, string, number, number, number, number, number, Max, Max, number | null, number | null, number | null];

function bucketUse(row: BucketRow): BucketUse {
  const [
    bucket,
    name,
    owner,
    objects,
    bytes,
    historyVersions,
    historyBytes,
    objectsMax,
    bytesMax,
    ownBytes,
    sharedBytes,
    measured,
  ] = row;
  const known = ownBytes !== null && sharedBytes !== null && measured !== null;
  return {
    bucket,
    name,
    owner,
    objects,
    bytes,
    historyVersions,
    historyBytes,
    quota: { objects: objectsMax, bytes: bytesMax },
    physical: known ? { ownBytes, sharedBytes, measured } : null,
  };
}

type OwnerRow = [number, string, number, number, number, number, Max, Max, number];

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
]: OwnerRow): OwnerUse {
  const logical = { objects, bytes, historyVersions, historyBytes };
  return { owner, name, ...logical, quota: { objects: objectsMax, bytes: bytesMax }, storedBytes };
}
